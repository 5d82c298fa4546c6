//! Tables from other packages and for them: the Arrow PyCapsule interface, in which nothing is copied.

#![allow(
    unsafe_code,
    reason = "what another library points at is taken over, as the interface says"
)]

use std::ffi::CStr;

use arrow_array::cast::AsArray as _;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{Array, ArrayReader as _, RecordBatch, RecordBatchIterator, StructArray};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// The rows of a table, part by part.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Whether an object is a table for others.
pub(crate) fn is_table(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?)
}

/// The batches of a table.
pub(crate) fn opened(table: &Bound<'_, PyAny>) -> PyResult<Batches> {
    if table.hasattr("__arrow_c_stream__")? {
        let capsule = table.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
        let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
        // SAFETY: by its name the capsule holds a stream; it is moved out, and one that is released stays behind.
        let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
        if stream.get_next().is_none() {
            return Err(PyValueError::new_err(
                "the table cannot be read: its stream gives nothing",
            ));
        }
        // A reader of batches would take rows that are null for rows without values.
        let arrays = ArrayStreamReader::try_new(stream).map_err(unreadable)?;
        of_structs(arrays.field().data_type())?;
        return Ok(Box::new(arrays.map(|array| batch(array?.as_struct().clone()))));
    }
    let capsules = table.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: by their names the capsules hold an array and the schema of it, and live until the end of this
    // function; the array is moved out, and one that is released stays behind.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) }.map_err(unreadable)?;
    of_structs(data.data_type())?;
    Ok(Box::new([batch(StructArray::from(data))].into_iter()))
}

/// A table for another package. Whichever schema that asks for, it gets this one, as the interface allows.
pub(crate) fn stream(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyCapsule>> {
    let schema = batch.schema();
    let batches = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(batches), STREAM)
}

fn of_structs(array: &DataType) -> PyResult<()> {
    match array {
        DataType::Struct(_) => Ok(()),
        other => Err(PyTypeError::new_err(format!(
            "a table is an array of structs, not of {other}"
        ))),
    }
}

fn batch(table: StructArray) -> Result<RecordBatch, ArrowError> {
    if table.null_count() > 0 {
        return Err(ArrowError::InvalidArgumentError("a row is null".to_owned()));
    }
    Ok(RecordBatch::from(table))
}

fn unreadable(error: ArrowError) -> PyErr {
    PyValueError::new_err(format!("the table cannot be read: {error}"))
}
