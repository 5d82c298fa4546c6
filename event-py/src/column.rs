//! A column of a table as values that can be asked for, where they stand: nothing is copied.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, OffsetSizeTrait};
use arrow_schema::DataType;
use event_core::Code;
use event_core::filter::Found;
use event_core::json::Number;

/// What the rows of a column have at a place.
pub(crate) type Lookup<'a> = Box<dyn Fn(usize) -> Result<Option<Found<'a>>, Code> + Send + Sync + 'a>;

/// What a column has at a place below it: members of structs and elements of lists, outermost first; or which
/// type stands in the way.
pub(crate) fn lookup<'a>(array: &'a dyn Array, place: &[&str]) -> Result<Lookup<'a>, DataType> {
    let found: Lookup<'a> = match array.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let (keys, values) = (lookup(dictionary.keys(), &[])?, lookup(dictionary.values(), place)?);
            return Ok(Box::new(move |row| match keys(row)? {
                Some(Found::Number(Number::Int(key))) => usize::try_from(key).map_or(Ok(None), &values),
                _ => Ok(None),
            }));
        }
        DataType::Struct(_) => return members(array, place),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            return elements(list, list.values(), spans(list.value_offsets()), place);
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            return elements(list, list.values(), spans(list.value_offsets()), place);
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            let length = usize::try_from(list.value_length()).unwrap_or_default();
            return elements(list, list.values(), move |row| (row * length, length), place);
        }
        DataType::Null => nothing(),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row| Ok(array.is_valid(row).then(|| Found::Bool(array.value(row)))))
        }
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            Box::new(move |row| Ok(array.is_valid(row).then(|| Found::Text(array.value(row)))))
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            Box::new(move |row| Ok(array.is_valid(row).then(|| Found::Text(array.value(row)))))
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            Box::new(move |row| Ok(array.is_valid(row).then(|| Found::Text(array.value(row)))))
        }
        DataType::Int8 => numbers::<Int8Type>(array, integer),
        DataType::Int16 => numbers::<Int16Type>(array, integer),
        DataType::Int32 => numbers::<Int32Type>(array, integer),
        DataType::Int64 => numbers::<Int64Type>(array, integer),
        DataType::UInt8 => numbers::<UInt8Type>(array, integer),
        DataType::UInt16 => numbers::<UInt16Type>(array, integer),
        DataType::UInt32 => numbers::<UInt32Type>(array, integer),
        DataType::UInt64 => numbers::<UInt64Type>(array, integer),
        DataType::Float16 => numbers::<Float16Type>(array, float),
        DataType::Float32 => numbers::<Float32Type>(array, float),
        DataType::Float64 => numbers::<Float64Type>(array, float),
        &DataType::Decimal32(_, scale) => numbers::<Decimal32Type>(array, move |value| decimal(value, scale)),
        &DataType::Decimal64(_, scale) => numbers::<Decimal64Type>(array, move |value| decimal(value, scale)),
        &DataType::Decimal128(_, scale) => numbers::<Decimal128Type>(array, move |value| decimal(value, scale)),
        other => return Err(other.clone()),
    };
    // What has no parts has nothing below it.
    Ok(if place.is_empty() { found } else { nothing() })
}

/// Nothing in any row.
pub(crate) fn nothing<'a>() -> Lookup<'a> {
    Box::new(|_| Ok(None))
}

fn members<'a>(array: &'a dyn Array, place: &[&str]) -> Result<Lookup<'a>, DataType> {
    let Some((name, below)) = place.split_first() else {
        return Err(array.data_type().clone());
    };
    let Some(member) = array.as_struct().column_by_name(name) else {
        return Ok(nothing());
    };
    let member = lookup(member, below)?;
    Ok(Box::new(
        move |row| if array.is_valid(row) { member(row) } else { Ok(None) },
    ))
}

/// Elements of lists, of which `span` tells where one starts and how long it is.
fn elements<'a>(
    array: &'a dyn Array,
    values: &'a dyn Array,
    span: impl Fn(usize) -> (usize, usize) + Send + Sync + 'a,
    place: &[&str],
) -> Result<Lookup<'a>, DataType> {
    let Some((token, below)) = place.split_first() else {
        return Err(array.data_type().clone());
    };
    // An index has one way to be written (RFC 6901).
    let index = token.parse::<usize>().ok().filter(|index| index.to_string() == *token);
    let Some(index) = index else {
        return Ok(nothing());
    };
    let element = lookup(values, below)?;
    Ok(Box::new(move |row| {
        let (start, length) = span(row);
        if array.is_valid(row) && index < length {
            element(start + index)
        } else {
            Ok(None)
        }
    }))
}

fn spans<O: OffsetSizeTrait>(offsets: &[O]) -> impl Fn(usize) -> (usize, usize) + Send + Sync + '_ {
    move |row| {
        let start = offsets[row].as_usize();
        (start, offsets[row + 1].as_usize() - start)
    }
}

fn numbers<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    number: impl Fn(T::Native) -> Result<Number, Code> + Send + Sync + 'a,
) -> Lookup<'a> {
    let array = array.as_primitive::<T>();
    Box::new(move |row| match array.is_valid(row) {
        true => number(array.value(row)).map(|number| Some(Found::Number(number))),
        false => Ok(None),
    })
}

fn integer(value: impl TryInto<i64>) -> Result<Number, Code> {
    value.try_into().map(Number::Int).map_err(|_| Code::NumberOutOfRange)
}

fn float(value: impl Into<f64>) -> Result<Number, Code> {
    Number::from_f64(value.into()).ok_or(Code::NonFiniteNumber)
}

/// A decimal is read as its JSON text would be.
fn decimal(value: impl Into<i128>, scale: i8) -> Result<Number, Code> {
    let value = value.into();
    let number = match i64::try_from(value) {
        Ok(mantissa) => Number::from_parts(mantissa, -i16::from(scale)),
        Err(_) if scale == 0 => None,
        Err(_) => Number::from_literal(&format!("{value}e{}", -i16::from(scale))),
    };
    number.ok_or(Code::NumberOutOfRange)
}
