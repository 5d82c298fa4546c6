"""`send`: verdicts for events, or what is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from collector import Collector
from event_py import Client, Event, EventTypeError, UnconfirmedError, ValidationError
from event_py.testing import collecting


@pytest.fixture
def client(collector: Collector) -> Iterator[Client]:
    with Client(collector.url, source="shop") as client:
        yield client


def test_every_event_has_its_verdict(client: Client, collector: Collector) -> None:
    collector.register("order", "created", {"required": ["value"]})
    order: dict[str, Any] = {"category": "order", "name": "created", "data": {"value": 1}}
    events = [
        {**order, "id": "1"},
        {**order, "id": "1"},
        {**order, "id": "1", "data": {"value": 2}},
        {**order, "id": "2", "data": {}},
        {**order, "category": ""},
        {**order, "occurred_at": "2021-01-01T09:15:28Z"},
        {**order, "name": "other"},
    ]
    verdicts = client.send(events)
    assert [verdict.status for verdict in verdicts] == [
        "stored",
        "duplicate",
        "conflict",
        "quarantined",
        "rejected",
        "stored",
        "stored",
    ]
    stored, duplicate, conflict, quarantined, rejected, _, unplanned = verdicts
    assert (stored.id, stored.position, stored.code, stored.violations, stored.flags) == ("1", 1, None, [], [])
    assert duplicate.position == stored.position
    assert conflict.code == "id_conflict"
    assert (quarantined.id, quarantined.position, quarantined.code) == ("2", None, "schema_violation")
    assert [(broken.keyword, broken.limit) for broken in quarantined.violations] == [("required", "value")]
    assert rejected.code == "invalid_type"
    assert unplanned.flags == ["unplanned"]
    assert collector.count() == 3
    stats = client.stats()
    # What breaks a rule of ours does not go out.
    assert (stats.offered, stats.delivered, stats.dropped) == (7, 4, {"invalid": 1})


def test_all_that_an_event_can_say(client: Client, collector: Collector) -> None:
    event = {
        "id": "o-1",
        "category": "order",
        "name": "created",
        "version": "2",
        "session_id": "visit-1",
        "sequence": 7,
        "source": "shop-2",
        "subject": "customer-7",
        "occurred_at": datetime(2021, 1, 1, 9, 15, 28, tzinfo=timezone.utc),
        "data": {"at": datetime(2021, 1, 1, tzinfo=timezone.utc), "value": 12.5},
    }
    client.send([event])
    (stored,) = collector.events()
    expected = {
        **event,
        "occurred_at": "2021-01-01T09:15:28Z",
        "data": {"at": "2021-01-01T00:00:00+00:00", "value": 12.5},
    }
    told = {name: stored[name] for name in expected}
    assert told["occurred_at"].startswith("2021-01-01T09:15:28")
    assert {**told, "occurred_at": expected["occurred_at"]} == expected
    client.send([{"category": "order", "name": "old", "timestamp": "2020-01-01T00:00:00Z", "id": None}])
    assert collector.events(name="old")[0]["occurred_at"].startswith("2020-01-01")


class Order:
    def __init__(self, text: str) -> None:
        self.text = text

    def to_json(self) -> str:
        return self.text


def test_what_can_write_itself(client: Client, collector: Collector) -> None:
    text = json.dumps({"category": "order", "name": "created", "id": "o-1", "data": {"ü": [1, None]}})
    (verdict,) = client.send(iter([Order(text)]))
    assert (verdict.status, verdict.id) == ("stored", "o-1")
    assert collector.events()[0]["data"] == {"ü": [1, None]}
    event = Event("order", "created", {"value": 12.5}, id="o-2", source="shop-2")
    (verdict,) = client.send([event])
    assert (verdict.status, verdict.id) == ("stored", "o-2")
    assert collector.events(source="shop-2")[0]["data"] == {"value": 12.5}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"category": 1, "name": "x"}, "/category"),
        ({"category": "x", "name": "x", "id": 1}, "/id"),
        ({"category": "x", "name": "x", "sequence": "1"}, "/sequence"),
        ({"category": "x", "name": "x", "occurred_at": 1}, "/occurred_at"),
        ({"category": "x", "name": "x", "data": {"a": {1}}}, "/data/a"),
        ("text", ""),
        (Order("[]"), ""),
        (None, ""),
    ],
)
def test_what_is_no_event(wrong: Any, pointer: str) -> None:
    client, collected = collecting()
    with pytest.raises(EventTypeError) as raised:
        client.send([{"category": "order", "name": "created"}, wrong])
    assert raised.value.pointer == pointer
    assert collected.json() == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"category": "x"}, "invalid_type"),
        ({"category": "x", "name": "x", "nmae": "y"}, "invalid_envelope"),
        ({"category": "x", "name": "x", "data": {"a": float("nan")}}, "non_finite_number"),
        ({"category": "x", "name": "\ud800"}, "invalid_unicode"),
        ({"category": "x", "name": "x", "occurred_at": datetime(2021, 1, 1)}, "invalid_timestamp"),
        ({"category": "x", "name": "x", "timestamp": "2021-01-01", "occurred_at": "2021-01-01"}, "invalid_envelope"),
    ],
)
def test_what_cannot_be_written(wrong: Any, code: str) -> None:
    client, collected = collecting()
    with pytest.raises(ValidationError) as raised:
        client.send([{"category": "order", "name": "created"}, wrong])
    assert raised.value.code == code
    assert collected.json() == []


def test_one_event_is_no_list() -> None:
    client, _ = collecting()
    with pytest.raises(EventTypeError, match="list"):
        client.send({"category": "order", "name": "created"})  # type: ignore[dict-item]
    assert client.send([]) == []


def test_what_has_no_verdict_can_be_sent_again(collector: Collector) -> None:
    url = collector.url
    collector.stop()
    with Client(url, source="shop", send_timeout=0.3, exit_timeout=0) as client:
        with pytest.raises(UnconfirmedError) as raised:
            client.send(
                [{"category": "order", "name": str(number)} for number in range(3)] + [{"category": "", "name": ""}]
            )
        error = raised.value
        assert [verdict and verdict.status for verdict in error.verdicts] == [None, None, None, "rejected"]
        assert "no answer in time" in error.reason
        assert error.reason in str(error)
        collector.start()
        first = client.send(error.unconfirmed)
        again = client.send(error.unconfirmed)
    assert [verdict.status for verdict in first + again] == ["stored"] * 3 + ["duplicate"] * 3
    assert [verdict.id for verdict in first] == [verdict.id for verdict in again]
    assert collector.count() == 3


def test_a_closed_client_sends_nothing() -> None:
    client, collected = collecting()
    client.close()
    with pytest.raises(UnconfirmedError, match="shut down"):
        client.send([{"category": "order", "name": "created"}])
    assert collected.json() == []


def test_verdicts_can_be_compared_and_shown() -> None:
    client, _ = collecting()
    event = {"category": "order", "name": "created", "id": "o-1"}
    (one,), (two,), (three,) = client.send([event]), client.send([event]), client.send([event])
    assert one != two
    assert two == three
    assert repr(one) == 'Verdict(status="stored", id="o-1", position=1)'
    with pytest.raises(AttributeError):
        one.status = "rejected"  # type: ignore[misc]


def test_an_event_made_without_a_source_is_of_the_client(client: Client, collector: Collector) -> None:
    client.send([Event("order", "created", id="1"), Event("order", "created", id="2", source="till")])
    assert {event["id"]: event["source"] for event in collector.events()} == {"1": "shop", "2": "till"}


def test_a_number_in_a_session_is_one_in_every_form(client: Client) -> None:
    order: dict[str, Any] = {"category": "order", "name": "created", "session_id": "visit-1"}
    assert client.send([{**order, "sequence": 1.0, "sent_at": "2026-01-01T00:00:00Z"}])[0].status == "stored"
    with pytest.raises(EventTypeError):
        client.send([{**order, "sequence": True}])
    with pytest.raises(ValidationError):
        client.send([{**order, "sequence": -1}])
