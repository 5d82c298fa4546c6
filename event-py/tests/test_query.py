"""A question is asked as people think of it, and is the one that JSON says."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import event_py
from event_py import Query


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, {"measure": "count"}),
        ({"measure": "avg:/value"}, {"measure": "average:/value"}),
        ({"by": "name"}, {"measure": "count", "by": ["name"]}),
        ({"by": ("name", "/a/0")}, {"measure": "count", "by": ["name", "/a/0"]}),
        ({"by": iter(["name"])}, {"measure": "count", "by": ["name"]}),
        ({"top": 3}, {"measure": "count", "top": 3}),
        ({"bucket": "day"}, {"measure": "count", "bucket": "day", "zone": "UTC"}),
        (
            {"bucket": "week", "zone": ZoneInfo("Europe/Paris")},
            {"measure": "count", "bucket": "week", "zone": "Europe/Paris"},
        ),
        ({"from_": date(2026, 3, 29), "zone": "Europe/Paris"}, {"measure": "count", "from": "2026-03-28T23:00:00Z"}),
        ({"to": datetime(2026, 3, 29, tzinfo=timezone.utc)}, {"measure": "count", "to": "2026-03-29T00:00:00Z"}),
        (
            {"to": datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Tokyo"))},
            {"measure": "count", "to": "2026-06-30T15:00:00Z"},
        ),
    ],
)
def test_keywords_say_what_json_says(keywords: dict[str, Any], expected: dict[str, Any]) -> None:
    query = Query(**keywords)
    assert json.loads(query.to_json()) == expected
    assert query == Query.from_json(json.dumps(expected)) == Query.from_json(json.dumps(expected).encode())
    assert hash(query) == hash(Query.from_json(query.to_json()))
    assert eval(repr(query)) == query
    assert pickle.loads(pickle.dumps(query)) == query


@pytest.mark.parametrize(
    ("short", "condition"),
    [
        ("order", {"equals": "order"}),
        (None, {"equals": None}),
        (1.5, {"equals": 1.5}),
        (["a", None, 1], {"in": ["a", None, 1]}),
        (("a",), {"in": ["a"]}),
        ({"b", 10, "a", 9, None}, {"in": ["a", "b", 10, 9, None]}),
        (frozenset("bca"), {"in": ["a", "b", "c"]}),
        ({"from": 1, "to": 5}, {"from": 1, "to": 5}),
        ({"contains": "a"}, {"contains": "a"}),
    ],
)
def test_conditions_have_a_short_form(short: Any, condition: dict[str, Any]) -> None:
    full = {"all": [{"field": "/a", **condition}]}
    assert Query(filter={"/a": short}) == Query(filter=full)
    assert json.loads(Query(filter={"/a": short}).to_json())["filter"] == full


@pytest.mark.parametrize(
    ("keywords", "parameter", "code"),
    [
        ({"measure": "sum"}, "measure", "invalid_parameter"),
        ({"measure": 3}, "measure", "invalid_parameter"),
        ({"by": ["name", "name"]}, "by", "invalid_parameter"),
        ({"by": 3}, "by", "invalid_parameter"),
        ({"by": [3]}, "by", "invalid_parameter"),
        ({"by": {"name", "category"}}, "by", "invalid_parameter"),
        ({"by": b""}, "by", "invalid_parameter"),
        ({"bucket": "fortnight"}, "bucket", "invalid_parameter"),
        ({"zone": "Paris"}, "zone", "invalid_parameter"),
        ({"zone": timezone.utc}, "zone", "invalid_parameter"),
        ({"from_": "yesterday"}, "from_", "invalid_timestamp"),
        ({"from_": datetime(2026, 1, 1)}, "from_", "invalid_parameter"),
        ({"from_": 3}, "from_", "invalid_parameter"),
        ({"to": "1969-01-01"}, "to", "timestamp_out_of_range"),
        ({"from_": "2026-01-02", "to": "2026-01-01"}, "to", "invalid_range"),
        ({"top": 0}, "top", "invalid_limit"),
        ({"top": "3"}, "top", "invalid_parameter"),
        ({"filter": "name"}, "filter", "invalid_parameter"),
        ({"filter": {"colour": "red"}}, "filter", "invalid_parameter"),
        ({"filter": {"/a": object()}}, "filter", "invalid_parameter"),
        ({"filter": {"/a": {"above": 1}}}, "filter", "invalid_parameter"),
        ({"filter": {"category": b"order"}}, "filter", "invalid_parameter"),
        ({"filter": {"category": bytearray(b"order")}}, "filter", "invalid_parameter"),
        ({"filter": {"category": memoryview(b"order")}}, "filter", "invalid_parameter"),
        ({"filter": {"category": [b"order"]}}, "filter", "invalid_parameter"),
        ({"filter": {"category": {b"order"}}}, "filter", "invalid_parameter"),
        ({"filter": {"category": {"field": "name", "equals": "paid"}}}, "filter", "invalid_parameter"),
        ({"filter": {3: 1}}, "filter", "invalid_parameter"),
        ({"filter": {f"/{number}": 1 for number in range(51)}}, "filter", "invalid_parameter"),
    ],
)
def test_an_error_names_its_parameter(keywords: dict[str, Any], parameter: str, code: str) -> None:
    with pytest.raises(event_py.QueryError) as told:
        Query(**keywords)
    assert (told.value.parameter, told.value.code) == (parameter, code)
    assert str(told.value).startswith(f"{parameter}: ")
    assert isinstance(told.value, ValueError)
    again = pickle.loads(pickle.dumps(told.value))
    assert (str(again), again.parameter, again.code) == (str(told.value), parameter, code)


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(event_py.QueryError, match="colour: unknown parameter"):
        Query.from_json('{"colour": "red"}')
    with pytest.raises(event_py.QueryError, match="not JSON"):
        Query.from_json("{")
    with pytest.raises(TypeError):
        Query(colour="red")  # type: ignore[call-arg]


def test_what_python_raises_is_raised() -> None:
    class Odd(dict[str, Any]):
        def items(self) -> Any:
            raise LookupError("odd")

    with pytest.raises(LookupError, match="odd"):
        Query(filter={"all": [Odd()]})


def test_a_filter_may_change_while_it_is_read() -> None:
    class Odd(list[str]):
        def __iter__(self) -> Iterator[str]:
            tests[f"/{len(tests)}"] = 1
            return super().__iter__()

    tests: dict[str, Any] = {"category": Odd(["order"]), "name": "paid"}
    assert Query(filter=tests) == Query(filter={"category": ["order"], "name": "paid"})
    assert len(tests) > 2
