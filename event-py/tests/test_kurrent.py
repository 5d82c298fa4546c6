"""The collector reads the events of a KurrentDB: in order, each once, whatever breaks on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kurrentdbclient import KurrentDBClient  # type: ignore[import-untyped, unused-ignore]

from collector import Collector
from kurrent import Kurrent


@pytest.fixture
def kurrent() -> Iterator[Kurrent]:
    server = Kurrent()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def collector(tmp_path: Path, kurrent: Kurrent) -> Iterator[Collector]:
    collector = Collector(tmp_path, "--kurrent-url", kurrent.url, "--kurrent-source", "quotes", "--log-level", "warn")
    collector.start()
    yield collector
    collector.stop()


def soon(what: Callable[[], bool], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def link(collector: Collector) -> Any:
    return collector.request("GET", "/health/ready")["links"]["kurrentdb"]


def stored(collector: Collector) -> list[str]:
    """The ids of all events, in the order of the log."""
    return [event["id"] for event in sorted(collector.events(), key=lambda event: event["position"])]


def has_more_than(collector: Collector, events: int) -> bool:
    return len(stored(collector)) > events


def test_what_the_server_says_is_the_protocol(kurrent: Kurrent) -> None:
    """KurrentDB's own client reads from it what was put in."""
    record = kurrent.append("quote-1", "quote_started", {"a": 1})
    client = KurrentDBClient(f"kurrentdb://admin:changeit@127.0.0.1:{kurrent.port}?Tls=false&NodePreference=follower")
    with client.subscribe_to_all(filter_exclude=(r"\$.+",), filter_by_stream_name=True) as subscription:
        come = next(iter(subscription))
    assert (str(come.id), come.stream_name, come.type, come.data) == (
        record.id,
        "quote-1",
        "quote_started",
        b'{"a": 1}',
    )
    client.close()


def test_events_come_in_order_and_as_they_are(collector: Collector, kurrent: Kurrent) -> None:
    first = kurrent.append("quote-1", "quote_started", {"reference": "d6glop"})
    kurrent.append("$stats-0", "$statsCollected", {})
    kurrent.append("quote-1", "$metadata", {})
    second = kurrent.append("quote-1", "quote_products_updated", {"products": []})
    soon(lambda: stored(collector) == [first.id, second.id])
    event = collector.events()[0]
    assert event["category"] == "quote" and event["name"] == "quote_started" and event["source"] == "quotes"
    assert event["subject"] == event["session_id"] == "quote-1" and event["sequence"] == 0
    assert event["occurred_at"].startswith("2020-03-23T") and event["data"] == {"reference": "d6glop"}
    assert kurrent.headers[0]["authorization"].startswith("Basic ")
    state = link(collector)
    assert state["up"] and state["stored"] == 2 and state["refused"] == 0 and state["place"] == "C:400/P:400", state


def test_what_is_no_event_is_refused_and_the_others_go_on(collector: Collector, kurrent: Kurrent) -> None:
    broken = kurrent.append("quote-1", "quote_started", b'{"reference": ')
    huge = kurrent.append("quote-1", "quote_started", {"text": "x" * 5_000_000})
    good = kurrent.append("quote-1", "quote_started", {})
    soon(lambda: stored(collector) == [good.id])
    assert link(collector)["refused"] == 2
    entries = collector.request("GET", "/v1/quarantine")["entries"]
    refused = {entry["code"]: entry.get("id") for entry in entries}
    assert refused["payload_not_object"] == broken.id and refused["event_too_large"] in (huge.id, None), refused


def test_a_restart_goes_on_where_it_was(collector: Collector, kurrent: Kurrent) -> None:
    ids = [kurrent.append("quote-1", "quote_started", {"n": n}).id for n in range(50)]
    soon(lambda: stored(collector) == ids)
    # It is written down once a second.
    time.sleep(1.5)
    collector.stop()
    ids += [kurrent.append("quote-1", "quote_started", {"n": n}).id for n in range(50)]
    collector.start()
    soon(lambda: stored(collector) == ids)
    last = kurrent.requests[-1].options.all
    assert last.HasField("position") and last.position.commit_position == 5_000
    assert link(collector)["duplicates"] == 0


@pytest.mark.parametrize("how", ["abort", "end"])
def test_a_source_that_is_cut_fifty_times(collector: Collector, kurrent: Kurrent, how: str) -> None:
    """Nothing is skipped, nothing is stored twice."""
    kurrent.how = how
    kurrent.cut_after = 3
    ids = [kurrent.append(f"quote-{n % 7}", "quote_started", {"n": n}).id for n in range(153)]
    soon(lambda: len(stored(collector)) == len(ids), within=60)
    assert stored(collector) == ids
    assert len(kurrent.requests) > 50 and link(collector)["connections"] > 50


def test_a_server_that_goes_and_comes_and_a_collector_that_is_killed(collector: Collector, kurrent: Kurrent) -> None:
    ids: list[str] = []
    for round in range(6):
        ids += [kurrent.append("quote-1", "quote_started", {"n": n}).id for n in range(200)]
        if round % 2:
            soon(partial(has_more_than, collector, len(ids) - 200))
            collector.kill()
            collector.start()
        else:
            kurrent.stop()
            soon(lambda: not link(collector)["up"])
            assert link(collector)["problem"]
            kurrent.start()
    soon(lambda: len(stored(collector)) == len(ids), within=60)
    assert stored(collector) == ids


def test_a_server_that_is_not_there_keeps_nobody_waiting(tmp_path: Path) -> None:
    url = "kurrentdb://ann:s3cret@127.0.0.1:9?tls=false"
    collector = Collector(tmp_path, "--kurrent-url", url)
    collector.start()
    soon(lambda: "problem" in link(collector))
    state = link(collector)
    assert not state["up"] and "s3cret" not in json.dumps(state)
    collector.send(b'{"category": "a", "name": "b", "data": {}}\n')
    assert collector.count() == 1
    collector.stop()
    assert "s3cret" not in (tmp_path / "collector.log").read_text()
