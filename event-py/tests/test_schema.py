from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pydantic
import pytest

from event_py import EventTypeError, Schema, SchemaError, ValidationError
from event_py.models import json_schema

PATH = {"type": "object", "required": ["path"], "properties": {"path": {"type": "string", "maxLength": 5}}}


class Order(pydantic.BaseModel):
    value: Decimal
    at: datetime
    format: pydantic.SecretStr = pydantic.SecretStr("")


class Line(msgspec.Struct):
    count: int
    name: str = ""


@dataclasses.dataclass
class Visit:
    path: str
    seconds: float = 0.0


@pytest.mark.parametrize("source", [PATH, '{"required": ["path"]}', b'{"required": ["path"]}', Schema(PATH), Visit])
def test_a_schema_is_made_of_many_things(source: Any) -> None:
    schema = Schema(source)
    assert schema.is_valid({"path": "/"}) and not schema.is_valid({})
    assert Schema(schema.source).source == schema.source


def test_true_and_false_are_schemas() -> None:
    assert Schema(True).is_valid({}) and not Schema(False).is_valid({})
    assert Schema(True).source is True


def test_violations_are_told_without_values() -> None:
    schema = Schema(PATH)
    with pytest.raises(ValidationError) as raised:
        schema.validate({"path": "a secret"})
    (violation,) = raised.value.violations
    assert violation == ("/path", "maxLength", "5", "the value is longer than 5 characters")
    assert raised.value.code == "schema_violation" and "secret" not in str(raised.value)
    assert schema.violations('{"path": "a secret"}') == schema.violations({"path": "a secret"}) == [violation]
    assert schema.violations({"path": "/"}) == []


def test_limits_and_json_are_judged_too() -> None:
    schema = Schema(True)
    told = {
        "[1]": "payload_not_object",
        "{": "malformed_json",
        '{"a":1,"a":1}': "duplicate_key",
        "\ud800": "invalid_unicode",
    }
    for text, code in told.items():
        assert [violation.keyword for violation in schema.violations(text)] == [code]
    endless: list[Any] = []
    endless.append(endless)
    values = [[1], None, 5, {"a": endless}, {"": 1}, {"a": float("inf")}, {"a": "\x00"}, {"\ud800": 1}, {"a": 2**63}]
    assert not any(schema.is_valid(value) for value in values)
    assert schema.violations({"a": {"b": float("inf")}})[0].pointer == "/a/b"


class Shout(str, Enum):
    LOUD = "loud"


class Number(int):
    pass


class Lies(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items")


def test_what_is_unusual_is_written_first() -> None:
    schema = Schema({"properties": {"v": {"enum": ["loud", 5, [1]]}}})
    for value in (Shout.LOUD, Number(5), (1,), [True]):
        assert schema.is_valid({"v": value}) is (value != [True])
    assert schema.is_valid({Shout.LOUD: 1})
    with pytest.raises(RuntimeError, match="no items"):
        schema.is_valid({"v": Lies()})
    with pytest.raises(RuntimeError, match="no items"):
        schema.is_valid(Lies())


@pytest.mark.parametrize("value", [{1}, object(), Decimal(1), b"x", frozenset(), datetime])
def test_what_is_no_json_raises(value: Any) -> None:
    for schema in (Schema(True), Schema({"properties": {"v": {"type": "object"}}})):
        with pytest.raises(EventTypeError, match="/v/0"):
            schema.is_valid({"v": [value]})
        with pytest.raises(EventTypeError, match="keys are str"):
            schema.is_valid({"v": {1: 2}})


@pytest.mark.parametrize(
    ("source", "code", "pointer"),
    [
        ({"properties": {"a": {"$ref": "http://127.0.0.1/x"}}}, "schema_ref_not_allowed", "/properties/a/$ref"),
        ({"pattern": "(?=a)b"}, "schema_pattern_unsupported", "/pattern"),
        ({"description": "x" * 70_000}, "schema_too_complex", ""),
        ({"type": "nonsense"}, "schema_invalid", "/type"),
        ("{", "schema_invalid", ""),
        ({"a": {1}}, "schema_invalid", ""),
        ({"maximum": float("nan")}, "schema_invalid", ""),
        (5, "schema_invalid", ""),
        (dict, "schema_invalid", ""),
    ],
)
def test_what_is_no_schema_is_refused(source: Any, code: str, pointer: str) -> None:
    with pytest.raises(SchemaError) as raised:
        Schema(source)
    assert (raised.value.code, raised.value.pointer) == (code, pointer)
    assert isinstance(raised.value, ValueError)


def test_a_schema_may_have_what_data_may_not() -> None:
    assert Schema({"properties": {"": {}, "x" * 200: {}}, "maximum": 10**30}).is_valid({"a": 1})


def test_models_become_schemas() -> None:
    order = Schema(Order)
    assert order.is_valid({"value": "12.50", "at": "2026-01-01T00:00:00Z", "format": "x"})
    assert order.is_valid({"value": 12.5, "at": "2026-01-01T00:00:00Z"})
    assert not order.is_valid({"value": 1, "at": "yesterday"})
    line = Schema(Line)
    assert line.is_valid({"count": 1}) and not line.is_valid({"count": "1"})


def test_what_only_a_library_knows_is_left_out() -> None:
    from event_py.models import _known

    known = _known(
        {
            "format": "password",
            "properties": {"format": {"format": "date"}, "pattern": {"pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"}},
            "anyOf": [{"format": "json-string"}],
            "default": {"format": "password"},
        }
    )
    pattern = known["properties"]["pattern"]
    assert known["properties"]["format"] == {"format": "date"}
    assert known["anyOf"] == [{}] and known["default"] == {"format": "password"} and "format" not in known
    schema = Schema({"properties": {"v": pattern}})
    assert all(schema.is_valid({"v": text}) for text in ("1", "-1.5", "+.5", "1."))
    assert not any(schema.is_valid({"v": text}) for text in ("", ".", "-", "1e5", "x"))


def test_a_dataclass_needs_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    of_pydantic = json_schema(Visit)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    assert Schema(Visit).is_valid({"path": "/"}) and of_pydantic != json_schema(Visit)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(SchemaError, match="install one of them"):
        Schema(Visit)


def test_a_model_without_a_schema_says_why() -> None:
    class Odd(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        odd: Schema

    with pytest.raises(SchemaError, match="pydantic"):
        Schema(Odd)

    class Odder(msgspec.Struct):
        odd: Schema

    with pytest.raises(SchemaError, match="msgspec"):
        Schema(Odder)
