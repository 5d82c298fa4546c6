"""Models of Python → JSON Schema."""

from __future__ import annotations

import dataclasses
import sys
from importlib import import_module
from typing import Any, cast

from event_py.errors import SchemaError

__all__ = ["json_schema"]

_FORMATS = frozenset(
    "date date-time duration email hostname ipv4 ipv6 iri iri-reference json-pointer regex "
    "relative-json-pointer time uri uri-reference uri-template uuid".split()
)
"""What JSON Schema knows. Other formats are the libraries' own, and an unknown one would be refused."""

_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"
"""What pydantic's pattern for decimals says without look-ahead, which no linear-time engine has."""


def json_schema(model: object) -> dict[str, Any]:
    """Makes the JSON Schema of a pydantic model, a msgspec Struct or a dataclass.

    Dataclasses go through pydantic where it is installed, else through msgspec.

    Raises:
        SchemaError: if it is none of these, or neither library is there.
    """
    if isinstance(model, type):
        # Whoever has such a class has imported its library.
        pydantic = sys.modules.get("pydantic")
        if pydantic is not None and issubclass(model, pydantic.BaseModel):
            return _of_pydantic(model)
        msgspec = sys.modules.get("msgspec")
        if msgspec is not None and issubclass(model, msgspec.Struct):
            return _of_msgspec(model)
        if dataclasses.is_dataclass(model):
            return _of_dataclass(model)
    message = "a schema is a dict, a bool, JSON text, a pydantic model, a dataclass or a msgspec Struct"
    raise SchemaError(f"{message}, not {model!r:.100}", "schema_invalid", "")


def _of_dataclass(model: type) -> dict[str, Any]:
    for library, convert in (("pydantic", _of_pydantic), ("msgspec", _of_msgspec)):
        try:
            import_module(library)
        except ModuleNotFoundError:
            continue
        return convert(model)
    message = "a dataclass becomes a schema through pydantic or msgspec: install one of them"
    raise SchemaError(message, "schema_invalid", "")


def _of_pydantic(model: type) -> dict[str, Any]:
    pydantic: Any = import_module("pydantic")
    errors: Any = import_module("pydantic.errors")
    try:
        schema: dict[str, Any] = _known(pydantic.TypeAdapter(model).json_schema(mode="validation"))
    except errors.PydanticUserError as error:
        raise SchemaError(f"pydantic: {error.message}", "schema_invalid", "") from error
    return schema


def _of_msgspec(model: type) -> dict[str, Any]:
    msgspec: Any = import_module("msgspec")
    try:
        schema: dict[str, Any] = _known(msgspec.json.schema(model))
    except TypeError as error:
        raise SchemaError(f"msgspec: {error}", "schema_invalid", "") from error
    return schema


def _known(schema: object) -> Any:
    """Leaves out what only the libraries know."""
    if isinstance(schema, list):
        return [_known(element) for element in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    known: dict[str, object] = {}
    for keyword, value in cast("dict[str, object]", schema).items():
        if keyword in ("properties", "$defs", "patternProperties"):
            # Names of the model's own, one of which may well be `format`.
            named = cast("dict[str, object]", value)
            known[keyword] = {name: _known(subschema) for name, subschema in named.items()}
        elif keyword in ("default", "const", "enum", "examples"):
            known[keyword] = value
        elif keyword == "format" and value not in _FORMATS:
            continue
        elif keyword == "pattern" and str(value).startswith("^(?!^[-+.]*$)"):
            known[keyword] = _DECIMAL
        else:
            known[keyword] = _known(value)
    return known
