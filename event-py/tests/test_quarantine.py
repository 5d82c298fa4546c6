"""Refused events are found, looked at, mended, replayed and discarded, whether one waits or awaits."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from collector import Collector
from event_py import Client, CollectorError, QueryError
from event_py.quarantine import _replay  # pyright: ignore[reportPrivateUsage]

RULES = {"properties": {"total": {"type": "number"}}, "required": ["total"]}
MEND = [{"op": "replace", "path": "/data/total", "value": 12.5}]


def refused(collector: Collector, *totals: Any, source: str = "shop", name: str = "created") -> None:
    """Has events refused."""
    events = [
        {"id": f"{source}-{total}", "source": source, "category": "order", "name": name, "data": {"total": total}}
        for total in totals
    ]
    collector.register("order", name, RULES)
    results = collector.request("POST", "/v1/events", events)["results"]
    assert {result["status"] for result in results} == {"quarantined"}


def test_entries_are_found_by_what_they_are(client: Any, collector: Collector) -> None:
    refused(collector, "a", "b")
    refused(collector, "c", source="app", name="paid")
    now = datetime.now(timezone.utc)

    def found(**filter: Any) -> list[int]:
        return [entry.number for entry in client.quarantine.list(**filter)]

    assert found() == found(code="schema_violation", state="open") == [1, 2, 3]
    assert found(source="app") == found(category="order", name="paid") == [3]
    assert found(from_=now - timedelta(hours=1), to=now + timedelta(hours=1)) == [1, 2, 3]
    assert found(from_=now + timedelta(hours=1)) == found(to=date(2021, 1, 1)) == found(state="discarded") == []
    first = next(iter(client.quarantine.list()))
    assert (first.state, first.code, first.source, first.id) == ("open", "schema_violation", "shop", "shop-a")
    assert (first.category, first.name, first.occurrences, first.edited) == ("order", "created", 1, None)
    assert first.violations[0].pointer == "/total"
    assert json.loads(first.document)["data"] == {"total": "a"}
    assert abs(first.received_at - now) < timedelta(minutes=1)
    assert "total" not in repr(first)


def test_lists_go_on_from_page_to_page(client: Any, collector: Collector) -> None:
    refused(collector, *(f"no {number}" for number in range(230)))
    assert [entry.number for entry in client.quarantine.list()] == list(range(1, 231))


def test_an_entry_is_mended_and_replayed(client: Any, collector: Collector) -> None:
    refused(collector, "12,50")
    shown = client.quarantine.show(1)
    assert [(mark.pointer, mark.keyword, mark.value) for mark in shown.marks] == [("/data/total", "type", "12,50")]
    assert (shown.verdict.status, shown.verdict.code) == ("quarantined", "schema_violation")
    assert shown.history == []

    tried = client.quarantine.edit(1, MEND, dry_run=True)
    assert (tried.dry_run, tried.verdict.status) == (True, "stored")
    assert client.quarantine.show(1).entry.edited is None
    edited = client.quarantine.edit(1, '[{"op": "replace", "path": "/data/total", "value": 12.50}]')
    assert '"total":12.50' in edited.document
    assert (edited.number, edited.dry_run) == (1, False)

    tried = client.quarantine.replay(1, dry_run=True)
    assert (tried.dry_run, tried.entries, collector.count()) == (True, 1, 0)
    replayed = client.quarantine.replay(1)
    assert (replayed.dry_run, replayed.entries, replayed.skipped) == (False, 1, 0)
    (outcome,) = replayed.outcomes
    assert (outcome.status, outcome.code, outcome.entries) == ("stored", None, 1)
    assert outcome.samples[1].position == 1
    assert collector.count("order", "created") == 1
    assert [done.action for done in client.quarantine.show(1).history] == ["edited", "replayed"]
    assert client.quarantine.replay(1, 99).skipped == 2


def test_a_set_is_replayed_once_its_rules_allow_it(client: Any, collector: Collector) -> None:
    refused(collector, "a", "b")
    refused(collector, "c", source="app")
    still = client.quarantine.replay(all=True)
    assert [(outcome.status, outcome.code, outcome.entries) for outcome in still.outcomes] == [
        ("quarantined", "schema_violation", 3)
    ]
    collector.register("order", "created", True)
    assert client.quarantine.replay(code="schema_violation", source="app").entries == 1
    assert client.quarantine.replay(category="order", name="created", from_="2021-01-01").entries == 2
    assert collector.count() == 3
    assert client.quarantine.replay(all=True).entries == 0


def test_what_is_of_no_use_is_discarded(client: Any, collector: Collector) -> None:
    refused(collector, "a", "b")
    assert client.quarantine.discard(all=True, dry_run=True) == (True, 2, 0)
    assert client.quarantine.discard(1, 7, note="a scanner") == (False, 1, 1)
    (done,) = client.quarantine.show(1).history
    assert (done.action, done.actor) == ("discarded", None)
    assert "a scanner" in str(done.detail)
    assert [entry.number for entry in client.quarantine.list(state="discarded")] == [1]
    assert client.quarantine.discard(source="shop").entries == 1


def test_what_came_in_may_be_no_text(client: Any, collector: Collector) -> None:
    refused(collector, "a")
    for number, body in enumerate([b'{"id": ', b"\xff\xfe"]):
        collector.send(b'{"category": "order", "name": "created", "data": {"total": 1}}\n' + body + b"\n")
        entry = [*client.quarantine.list()][-1]
        assert entry.number == number + 2
        assert entry.document == (body.decode() if number == 0 else body)
        assert client.quarantine.show(entry.number).marks[0].offset is not None


def test_who_says_nothing_gets_nothing(client: Any, collector: Collector) -> None:
    refused(collector, "a")
    for work in (client.quarantine.replay, client.quarantine.discard):
        for arguments, filter in [((), {}), ((1,), {"all": True}), ((1,), {"code": "x"}), ((), {"code": None})]:
            with pytest.raises(QueryError) as wrong:
                work(*arguments, **filter)
            assert wrong.value.code == "invalid_work"
    with pytest.raises(QueryError, match="time zone"):
        [*client.quarantine.list(from_=datetime(2021, 1, 1))]
    assert client.quarantine.show(1).entry.state == "open"


def test_what_is_refused_says_why(client: Any, collector: Collector) -> None:
    refused(collector, "a")
    quarantine = client.quarantine
    gone = [{"op": "remove", "path": "/nothing"}]
    for work, status, code in [
        (lambda: quarantine.show(99), 404, "entry_not_found"),
        (lambda: quarantine.edit(99, MEND), 404, "entry_not_found"),
        (lambda: quarantine.edit(1, gone), 422, "invalid_patch"),
        (lambda: quarantine.edit(1, "no patch"), None, None),
        (lambda: [*quarantine.list(code="no code")], 400, "invalid_parameter"),
        (lambda: [*quarantine.list(category="order")], 400, "invalid_parameter"),
        (lambda: quarantine.replay(category="order"), 422, "invalid_work"),
        (lambda: quarantine.replay(*range(1, 10_002)), 422, "invalid_work"),
    ]:
        with pytest.raises((CollectorError, ValueError)) as wrong:
            work()
        if code is not None:
            error = wrong.value
            assert isinstance(error, CollectorError)
            assert (error.reason, error.status, error.code) == ("refused", status, code)
    quarantine.discard(1)
    with pytest.raises(CollectorError) as settled:
        quarantine.edit(1, MEND)
    assert settled.value.code == "entry_settled"


def test_a_key_is_for_its_own_source(collector: Collector) -> None:
    refused(collector, "a")
    refused(collector, "b", source="app")
    key = collector.key("app")
    collector.stop()
    collector.start()
    with Client(collector.url, key, source="app") as client:
        assert len([*client.quarantine.list()]) == 2
        with pytest.raises(CollectorError) as other:
            client.quarantine.edit(1, MEND)
        assert (other.value.status, other.value.code) == (403, "not_permitted")
        assert client.quarantine.discard(all=True).entries == 1
        assert key.startswith(f"ev_{client.quarantine.show(2).history[0].actor}_")
    with Client(collector.url, source="app") as client, pytest.raises(CollectorError) as unknown:
        client.quarantine.show(1)
    assert unknown.value.code == "unauthenticated"


def test_nobody_waits_for_a_collector_that_is_away(client: Any, collector: Collector) -> None:
    collector.stop()
    for work in (lambda: client.quarantine.show(1), lambda: [*client.quarantine.list()]):
        with pytest.raises(CollectorError) as away:
            work()
        assert (away.value.reason, away.value.code, away.value.status) == ("unavailable", None, None)


def test_parts_of_a_work_come_to_one_whole() -> None:
    def part(number: int, status: str, following: int | None) -> dict[str, Any]:
        samples = [{"number": number + place, "status": status} for place in range(3)]
        outcome = {"status": status, "entries": 3, "samples": samples}
        return {"run": "real", "entries": 3, "skipped": 1, "outcomes": [outcome], "next": following}

    steps = _replay({"filter": {}, "dry_run": False})
    assert json.loads(str(next(steps).body)) == {"filter": {}, "dry_run": False}
    second = steps.send(part(1, "stored", 3))
    assert json.loads(str(second.body)) == {"filter": {}, "dry_run": False, "after": 3}
    steps.send(part(4, "duplicate", 6))
    with pytest.raises(StopIteration) as end:
        steps.send(part(7, "stored", None))
    replayed = end.value.value
    assert (replayed.entries, replayed.skipped) == (9, 3)
    assert [(outcome.status, outcome.entries) for outcome in replayed.outcomes] == [("stored", 6), ("duplicate", 3)]
    assert [*replayed.outcomes[0].samples] == [1, 2, 3, 7, 8]
