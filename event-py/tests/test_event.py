from __future__ import annotations

import copy
import json
import pickle
from datetime import date, datetime, timedelta, timezone

import pytest

from event_py import Event, EventTypeError, ValidationError


def test_an_event_is_complete_from_the_start() -> None:
    before = datetime.now(timezone.utc)
    event = Event("order", "created", {"value": 12.5})
    assert (event.category, event.name, event.source, event.data) == ("order", "created", "python", {"value": 12.5})
    assert event.id[14] == "7" and event.id != Event("order", "created").id
    assert before - timedelta(seconds=1) < event.occurred_at <= datetime.now(timezone.utc)
    assert (event.version, event.session_id, event.sequence, event.subject) == (None, None, None, None)


def test_every_field_comes_back() -> None:
    at = datetime(2026, 1, 1, 12, 30, 0, 123456, timezone(timedelta(hours=2)))
    event = Event(
        "a b",
        "ü",
        {"list": [1, (True, None)], "at": at},
        id="e-1",
        version="2",
        session_id="s",
        sequence=3,
        source="shop",
        subject="Käthe",
        occurred_at=at,
    )
    told = {
        "id": "e-1",
        "category": "a b",
        "name": "ü",
        "version": "2",
        "session_id": "s",
        "sequence": 3,
        "source": "shop",
        "subject": "Käthe",
        "occurred_at": "2026-01-01T10:30:00.123456Z",
        "data": {"at": "2026-01-01T12:30:00.123456+02:00", "list": [1, [True, None]]},
    }
    assert event.to_dict() == json.loads(event.to_json()) == told
    assert event.occurred_at == at and event.occurred_at.tzinfo is timezone.utc
    assert (event.version, event.session_id, event.sequence, event.subject) == ("2", "s", 3, "Käthe")


def test_it_is_the_same_however_it_is_read() -> None:
    event = Event("order", "created", {"b": 1.0, "a": [1]})
    same = [
        Event.from_json(event.to_json()),
        Event.from_json(event.to_json().encode()),
        Event.from_dict(event.to_dict()),
        pickle.loads(pickle.dumps(event)),
        copy.deepcopy(event),
    ]
    assert {event, *same} == {event}
    assert event != Event("order", "created", {"b": 1.0, "a": [1]}) and event != "order" and event != event.to_dict()


def test_data_is_new_each_time() -> None:
    event = Event("order", "created", {"a": {}})
    event.data["a"]["b"] = 1
    assert event.data == {"a": {}}


def test_nothing_personal_is_printed() -> None:
    told = repr(Event("order", "created", {"mail": "secret"}, subject="secret", session_id="secret"))
    assert "secret" not in told and told.startswith("Event('order', 'created', id='")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Event("", "created"), "invalid_type"),
        (lambda: Event("order", "created", id="two words"), "invalid_id"),
        (lambda: Event("order", "created", subject="\ud800"), "invalid_unicode"),
        (lambda: Event("order", "created", sequence=2**63), "number_out_of_range"),
        (lambda: Event("order", "created", occurred_at=datetime(2026, 1, 1)), "invalid_timestamp"),  # noqa: DTZ001
        (lambda: Event("order", "created", {"a": float("nan")}), "non_finite_number"),
        (lambda: Event.from_json("{"), "malformed_json"),
        (lambda: Event.from_json("\ud800"), "invalid_unicode"),
        (lambda: Event.from_dict({"category": "order"}), "invalid_type"),
        (
            lambda: Event.from_dict({"category": "order", "name": "created", "data": {"a": 2**63}}),
            "number_out_of_range",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(make: object, code: str) -> None:
    assert callable(make)
    with pytest.raises(ValidationError) as raised:
        make()
    assert raised.value.code == code


def test_what_is_no_json_is_a_type_error() -> None:
    with pytest.raises(EventTypeError, match="/data/a: .*set") as raised:
        Event("order", "created", {"a": {1}})
    assert raised.value.pointer == "/data/a"
    with pytest.raises(EventTypeError):
        Event("order", "created", occurred_at=date(2026, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(EventTypeError):
        Event.from_dict({"category": "order", "name": "created", "data": {1: 2}})
    with pytest.raises(TypeError):
        Event.from_json(5)  # type: ignore[arg-type]
