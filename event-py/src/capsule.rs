//! Tables from other packages and for them: the Arrow PyCapsule interface, in which nothing is copied.

#![allow(
    unsafe_code,
    reason = "what another library points at is taken over, as the interface says"
)]

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// Whether an object is a table for others.
pub(crate) fn is_table(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?)
}

/// The batches of a table.
pub(crate) fn opened(table: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    if table.hasattr("__arrow_c_stream__")? {
        let capsule = table.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
        let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
        // SAFETY: by its name the capsule holds a stream; it is moved out, and one that is released stays behind.
        let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
        return Ok(Box::new(RecordBatchStreamReader::try_new(stream).map_err(unreadable)?));
    }
    let capsules = table.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: by their names the capsules hold an array and the schema of it, and live until the end of this
    // function; the array is moved out, and one that is released stays behind.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) }.map_err(unreadable)?;
    let DataType::Struct(_) = data.data_type() else {
        return Err(PyTypeError::new_err(format!(
            "a table is an array of structs, not of {}",
            data.data_type()
        )));
    };
    let batch = batch(StructArray::from(data)).map_err(unreadable)?;
    let schema = batch.schema();
    Ok(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}

/// A table for another package. Whichever schema that asks for, it gets this one, as the interface allows.
pub(crate) fn stream(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyCapsule>> {
    let schema = batch.schema();
    let batches = Box::new(RecordBatchIterator::new([Ok(batch)], schema));
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(batches), STREAM)
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
