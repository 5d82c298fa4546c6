"""The libraries of Segment and PostHog, which send to the collector what they would send home."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.error import HTTPError

import posthog
import pytest
from segment import analytics  # type: ignore[import-untyped, import-not-found, unused-ignore]

from collector import Collector

Sender = Callable[..., Any]
errors: list[Any] = []


@pytest.fixture(autouse=True)
def no_errors() -> Iterator[None]:
    errors.clear()
    yield
    assert errors == []


def failed(error: Any, batch: Any) -> None:
    errors.append((error, batch))


@contextmanager
def segment(collector: Collector, key: str = "no key yet", **settings: Any) -> Iterator[Any]:
    """A client of Segment's, and its queue sent at the end."""
    host = collector.url + "/segment"
    client = analytics.Client(key, host=host, on_error=failed, upload_interval=0.05, max_retries=2, **settings)
    yield client
    client.shutdown()


@contextmanager
def hog(collector: Collector, key: str = "no key yet", **settings: Any) -> Iterator[Any]:
    """A client of PostHog's, and its queue sent at the end."""
    host = collector.url + "/posthog"
    client = posthog.Posthog(key, host=host, on_error=failed, flush_interval=0.05, max_retries=2, **settings)
    yield client
    client.shutdown()


def guarded(collector: Collector) -> str:
    """A key, once the collector has heard of it, and asks for it."""
    key = collector.key("website")
    for _ in range(250):
        try:
            collector.count()
        except HTTPError as error:
            assert error.code == 401
            return key
        time.sleep(0.02)
    raise AssertionError("nobody asks for a key")


def seconds(event: dict[str, Any]) -> float:
    """How long before it came in an event happened."""
    times = (event[time].replace("Z", "+00:00") for time in ("occurred_at", "received_at"))
    happened, received = map(datetime.fromisoformat, times)
    return (received - happened).total_seconds()


@pytest.mark.parametrize("gzip", [False, True])
def test_segment_sends_every_call(collector: Collector, gzip: bool) -> None:
    with segment(collector, gzip=gzip) as client:
        client.identify("u-1", {"plan": "free"})
        context = {"sessionId": "visit-1"}
        client.track("u-1", "Order Completed", {"revenue": 19.95}, context=context, message_id="m-1")
        client.page("u-1", "Docs", "Home", {"url": "https://example.com/"})
        client.screen(anonymous_id="a-1", name="Start")
        client.group("u-1", "g-1", {"name": "Acme"})
        client.alias("a-1", "u-1")
    events = {event["category"]: event for event in collector.events()}
    assert {category: event["name"] for category, event in events.items()} == {
        "identify": "identify",
        "track": "Order Completed",
        "page": "Home",
        "screen": "Start",
        "group": "group",
        "alias": "alias",
    }
    order = events["track"]
    assert (order["id"], order["subject"], order["session_id"]) == ("m-1", "u-1", "visit-1")
    assert order["data"]["properties"] == {"revenue": 19.95}
    assert (events["screen"]["subject"], events["alias"]["data"]["previousId"]) == ("a-1", "a-1")
    assert all(0 <= seconds(event) < 30 for event in events.values())


def test_segment_is_told_twice_and_counted_once(collector: Collector) -> None:
    happened = datetime.now(timezone.utc) - timedelta(hours=1)
    for _ in range(2):
        with segment(collector) as client:
            client.track("u-1", "Signed Up", timestamp=happened, message_id="m-1")
    [event] = collector.events()
    assert 3600 <= seconds(event) < 3630
    assert collector.request("GET", "/v1/quarantine")["entries"] == []


def test_segment_has_its_key_where_it_has_it(collector: Collector) -> None:
    key = guarded(collector)
    for gzip in (False, True):
        with segment(collector, key, gzip=gzip) as client:
            for number in range(250):
                client.track("u-1", "Clicked", {"number": number})
    events = collector.events(key)
    assert len(events) == 500
    assert {event["source"] for event in events} == {"website"}
    with segment(collector, key.replace("ev_", "ev_0")) as client:
        client.track("u-1", "Clicked")
    assert [error.status for error, _ in errors] == [401]
    errors.clear()
    assert collector.count(key=key) == 500


@pytest.mark.parametrize("gzip", [False, True])
def test_posthog_captures(collector: Collector, gzip: bool) -> None:
    id = str(uuid.uuid4())
    with hog(collector, gzip=gzip) as client:
        properties = {"plan": "free", "$session_id": "visit-1"}
        client.capture("signed up", distinct_id="u-1", properties=properties, uuid=id)
        client.set(distinct_id="u-1", properties={"name": "Ada"})
        client.alias("a-1", "u-1")
    events = {event["name"]: event for event in collector.events()}
    assert set(events) == {"signed up", "$set", "$create_alias"}
    assert {event["category"] for event in events.values()} == {"capture"}
    event = events["signed up"]
    assert (event["id"], event["subject"], event["session_id"]) == (id, "u-1", "visit-1")
    assert event["data"]["properties"]["plan"] == "free"
    assert events["$set"]["data"]["$set"] == {"name": "Ada"}
    assert all(0 <= seconds(event) < 30 for event in events.values())


def test_posthog_is_told_twice_and_counted_once(collector: Collector) -> None:
    happened, id = datetime.now(timezone.utc) - timedelta(hours=1), str(uuid.uuid4())
    for _ in range(2):
        with hog(collector) as client:
            client.capture("signed up", distinct_id="u-1", timestamp=happened, uuid=id)
    names = [event["name"] for event in collector.events()]
    assert names == ["signed up"]
    assert 3600 <= seconds(collector.events()[0]) < 3630


def test_posthog_has_its_key_where_it_has_it(collector: Collector) -> None:
    key = guarded(collector)
    with hog(collector, key, gzip=True) as client:
        for number in range(250):
            client.capture("clicked", distinct_id="u-1", properties={"number": number})
    events = collector.events(key)
    assert len(events) == 250
    assert {event["source"] for event in events} == {"website"}
    assert key not in str(events)
    with hog(collector, key.replace("ev_", "ev_0")) as client:
        client.capture("clicked", distinct_id="u-1")
    assert [error.status for error, _ in errors] == [401]
    errors.clear()
    assert collector.count(key=key) == 250
