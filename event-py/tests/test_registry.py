from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from event_py import ConfigError, Event, EventTypeError, Registry, SchemaError, ValidationError
from event_py.testing import collecting

GOOD: dict[str, Any] = {"category": "order", "name": "created", "data": {"value": 12.5}}
BAD: dict[str, Any] = {"category": "order", "name": "created", "data": {"value": "12.5"}}


@pytest.fixture
def registry() -> Registry:
    registry = Registry(unknown_types="reject")
    registry.register("order", "created", {"properties": {"value": {"type": "number"}}})
    return registry


def test_every_form_of_an_event_is_judged_alike(registry: Registry) -> None:
    event: Any
    for event in (GOOD, json.dumps(GOOD), json.dumps(GOOD).encode(), Event("order", "created", {"value": 1})):
        assert registry.validate(event) == ()
        assert registry.is_valid(event)
    for event in (BAD, json.dumps(BAD), json.dumps(BAD).encode(), Event("order", "created", {"value": "12.5"})):
        with pytest.raises(ValidationError) as raised:
            registry.validate(event)
        assert raised.value.violations == [("/value", "type", "number", 'the value is not of type "number"')]


def test_versions_are_judged_by_their_own_rules(registry: Registry) -> None:
    registry.register("order", "created", {"required": ["total"]}, version="2")
    assert not registry.is_valid(GOOD)
    assert registry.is_valid({**GOOD, "version": "1"}) and not registry.is_valid({**GOOD, "version": "2"})
    assert not registry.is_valid({**GOOD, "data": None}) and not registry.is_valid(
        {"category": "order", "name": "created"}
    )
    with pytest.raises(ValidationError, match="unknown_version"):
        registry.validate({**GOOD, "version": "3"})


def test_types_without_a_schema_take_any_object(registry: Registry) -> None:
    registry.register("order", "paid", None)
    assert registry.is_valid({"category": "order", "name": "paid", "data": {"any": [1]}})
    assert registry.is_valid({"category": "order", "name": "paid"})
    with pytest.raises(ValidationError, match="unknown_type"):
        registry.validate({"category": "order", "name": "sent"})
    assert Registry().is_valid({"category": "order", "name": "sent"})


def test_warnings_are_told(registry: Registry) -> None:
    registry.register("order", "created", {"required": ["total"]}, on_violation="warn")
    event: Any
    for event in (GOOD, json.dumps(GOOD)):
        (violation,) = registry.validate(event)
        assert violation.keyword == "required"
    assert registry.validate({**GOOD, "data": {"total": 1}}) == ()


def test_the_future_is_tolerated_as_far_as_was_said() -> None:
    soon = (datetime.now(timezone.utc) + timedelta(seconds=60)).isoformat()
    assert Registry().is_valid({**GOOD, "occurred_at": soon})
    with pytest.raises(ValidationError, match="timestamp_in_future"):
        Registry(future_tolerance=30).validate({**GOOD, "occurred_at": soon})


def test_datetimes_are_taken(registry: Registry) -> None:
    assert registry.is_valid({**GOOD, "occurred_at": datetime.now(timezone.utc)})
    with pytest.raises(ValidationError, match="invalid_timestamp at /occurred_at: .*time zone"):
        registry.validate({**GOOD, "occurred_at": datetime(2026, 1, 1)})  # noqa: DTZ001


WRONG_KEY: dict[Any, Any] = {**GOOD, 1: 2}


@pytest.mark.parametrize("event", [{**GOOD, "data": {"a": {1}}}, {**GOOD, "extra": {1}}, {1}, object(), WRONG_KEY])
def test_what_is_no_json_raises(registry: Registry, event: Any) -> None:
    for judge in (registry.validate, registry.is_valid, lambda event: registry.validate_many([GOOD, event])):
        with pytest.raises(EventTypeError):
            judge(event)


def test_an_event_that_holds_itself_is_refused(registry: Registry) -> None:
    event: dict[str, Any] = {**GOOD, "data": {}}
    event["data"]["event"] = event
    with pytest.raises(ValidationError, match="too_deep"):
        registry.validate(event)


def test_many_at_once(registry: Registry) -> None:
    events: list[Any] = [GOOD, BAD, json.dumps(BAD), Event("order", "created")]
    errors = registry.validate_many(iter(events))
    assert [error and error.code for error in errors] == [None, "schema_violation", "schema_violation", None]
    assert isinstance(errors[1], ValidationError) and errors[1].violations[0].pointer == "/value"


def test_what_cannot_be_registered() -> None:
    registry = Registry()
    with pytest.raises(ConfigError):
        registry.register("", "created", {})
    with pytest.raises(ConfigError):
        registry.register("order", "created", {}, version=" ")
    with pytest.raises(ConfigError, match="on_violation"):
        registry.register("order", "created", {}, on_violation="ignore")  # type: ignore[arg-type]
    with pytest.raises(SchemaError):
        registry.register("order", "created", {"type": 5})
    with pytest.raises(ConfigError, match="unknown_types"):
        Registry(unknown_types="ignore")  # type: ignore[arg-type]
    assert repr(registry) == "Registry(0 types)"


def test_a_client_judges_by_it(registry: Registry) -> None:
    client, collected = collecting(registry=registry)
    assert client.track("order", "created", {"value": 1})
    with pytest.raises(ValidationError) as raised:
        client.track("order", "created", {"value": "1"})
    assert raised.value.violations[0].pointer == "/value"
    assert len(collected.json()) == 1
    with pytest.raises(ConfigError, match="registry"):
        collecting(registry=5)  # type: ignore[arg-type]


def test_threads_judge_while_types_are_registered(registry: Registry) -> None:
    wrong: list[object] = []

    def judge() -> None:
        for _ in range(500):
            if registry.is_valid(BAD) or not registry.is_valid(GOOD) or not registry.is_valid(json.dumps(GOOD)):
                wrong.append(1)

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        registry.register("type", str(number), {})
    for thread in threads:
        thread.join()
    assert wrong == []


def test_only_the_standard_library_is_imported() -> None:
    code = "import sys, event_py; assert not {'pydantic', 'msgspec', 'typing_extensions'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
