//! What a value of JSON is like: JSON Schemas, by few words.

use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType,
    Type,
};
use utoipa::openapi::{Ref, RefOr};

/// A schema, or where it is.
pub(super) type Shape = RefOr<Schema>;

/// A member of an object.
pub(super) struct Member {
    name: &'static str,
    shape: Shape,
    needed: bool,
}

/// A member that is always there.
pub(super) fn need(name: &'static str, shape: impl Into<Shape>) -> Member {
    let shape = shape.into();
    Member {
        name,
        shape,
        needed: true,
    }
}

/// A member that may be left out.
pub(super) fn may(name: &'static str, shape: impl Into<Shape>) -> Member {
    let shape = shape.into();
    Member {
        name,
        shape,
        needed: false,
    }
}

/// An object of these members and no others.
pub(super) fn record(members: impl IntoIterator<Item = Member>) -> ObjectBuilder {
    open(members).additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

/// An object of these members, and of others.
pub(super) fn open(members: impl IntoIterator<Item = Member>) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    members.into_iter().fold(object, |object, member| {
        let object = object.property(member.name, member.shape);
        if member.needed {
            object.required(member.name)
        } else {
            object
        }
    })
}

/// An object whose members all are like this, whatever they are called.
pub(super) fn map(values: impl Into<Shape>) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    object.additional_properties(Some(AdditionalProperties::RefOr(values.into())))
}

/// An object of whatever members.
pub(super) fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

/// Whatever JSON can say.
pub(super) fn anything() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// A string.
pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A string of one to so many characters.
pub(super) fn short(most: usize) -> ObjectBuilder {
    text().min_length(Some(1)).max_length(Some(most))
}

/// One of some words.
pub(super) fn word(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(words))
}

/// An id: of an event, a session, a source.
pub(super) fn id() -> ObjectBuilder {
    short(128).pattern(Some("^[!-~]{1,128}$")).examples(["0190c6a5-0001"])
}

/// A category, a name, a version or another label.
pub(super) fn label() -> ObjectBuilder {
    short(100)
}

/// An instant, as it is written in answers.
pub(super) fn instant() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// An exact number, as text.
pub(super) fn decimal() -> ObjectBuilder {
    text().pattern(Some(r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"))
}

/// A whole number, from this one on.
pub(super) fn integer(least: i64) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    let integer = ObjectBuilder::new().schema_type(Type::Integer).format(Some(format));
    integer.minimum(Some(least as f64))
}

/// A whole number within bounds.
pub(super) fn between(least: i64, most: i64) -> ObjectBuilder {
    integer(least).maximum(Some(most as f64))
}

/// A number.
pub(super) fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Number)
}

/// True or false.
pub(super) fn flag() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A list.
pub(super) fn list(items: impl Into<Shape>) -> ArrayBuilder {
    ArrayBuilder::new().items(items.into())
}

/// One of several shapes.
pub(super) fn either(shapes: impl IntoIterator<Item = Shape>) -> AnyOfBuilder {
    shapes.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item)
}

/// This, or null.
pub(super) fn nullable(shape: impl Into<Shape>) -> AnyOfBuilder {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    either([shape.into(), null.into()])
}

/// A schema that has a name of its own.
pub(super) fn named(name: &str) -> Shape {
    Ref::from_schema_name(name).into()
}
