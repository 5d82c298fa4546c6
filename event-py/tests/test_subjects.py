"""A subject is erased, with a receipt; whoever may not do so is told."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from collector import Collector
from event_py import Client, CollectorError, QueryError


def sent(collector: Collector) -> None:
    events = [{"category": "order", "name": "created", "subject": subject} for subject in ("ann", "ann", "bob/é")]
    collector.request("POST", "/v1/events", events)


def test_all_that_names_a_subject_goes(client: Any, collector: Collector) -> None:
    sent(collector)
    tried = client.subjects.erase("ann", dry_run=True)
    assert (tried.number, tried.finished_at, tried.touched["events"], collector.count()) == (0, None, 2, 3)
    erasure = client.subjects.erase("ann")
    assert erasure.subject_sha256 == sha256(b"ann").hexdigest()
    assert (erasure.touched["events"], erasure.touched["first_position"], collector.count()) == (2, 1, 1)
    assert erasure.finished_at is not None
    assert erasure.started_at <= erasure.finished_at
    # A name is a name, whatever stands in it.
    client.subjects.erase("bob/é")
    assert [receipt.touched["events"] for receipt in client.subjects.erasures()] == [2, 1]
    assert client.subjects.erasures()[0] == erasure


def test_what_is_refused_says_why(client: Any) -> None:
    assert client.subjects.erasures() == []
    with pytest.raises(CollectorError) as unknown:
        client.subjects.erase("nobody")
    assert (unknown.value.status, unknown.value.code) == (404, "subject_not_found")
    with pytest.raises(QueryError) as wrong:
        client.subjects.erase("")
    assert wrong.value.parameter == "subject"


def test_a_key_does_not_speak_for_all_sources(collector: Collector) -> None:
    sent(collector)
    key = collector.key("shop")
    collector.stop()
    collector.start()
    with Client(collector.url, key, source="shop") as client:
        assert client.subjects.erase("ann", dry_run=True).touched["events"] == 2
        with pytest.raises(CollectorError, match="use `event-server erase`") as refused:
            client.subjects.erase("ann")
        assert (refused.value.reason, refused.value.status, refused.value.code) == ("refused", 403, "not_permitted")
    assert collector.count(key=key) == 3
