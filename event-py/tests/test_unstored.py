"""What the collector has judged, but did not store, is not silent."""

from __future__ import annotations

import json
import logging
import os

import pytest

from collector import Collector
from event_py import Client


def test_the_last_of_them_are_kept(collector: Collector) -> None:
    collector.register("order", "created", {"required": ["value"]})
    with Client(collector.url, source="shop") as client:
        client.track("order", "created", {"value": 1})
        for number in range(150):
            client.track("order", "created", {"number": number})
        client.flush(20)
        unstored = client.unstored()
    assert len(unstored) == 100
    assert [json.loads(one.event)["data"]["number"] for one in unstored] == list(range(50, 150))
    one = unstored[0]
    assert (one.verdict.status, one.verdict.code) == ("quarantined", "schema_violation")
    assert one.verdict.id == json.loads(one.event)["id"]
    assert one.verdict.violations[0].message == '"value" is a required property'
    # Nothing of the event itself.
    assert repr(one) == "Unstored(quarantined, schema_violation)"


def test_they_are_told_in_the_log(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    collector.register("order", "created", {"required": ["value"]})
    client = Client(collector.url, source="shop")
    client.track("order", "created", id="1")
    client.flush()
    assert caplog.records == []
    client.close()
    client.close()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("event_py", logging.WARNING)
    assert record.getMessage() == "of 1 events 1 was refused by the collector (1 quarantined)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_has_its_own(collector: Collector) -> None:
    collector.register("order", "created", {"required": ["value"]})
    with Client(collector.url, source="shop") as client:
        client.track("order", "created")
        client.flush()
        child = os.fork()
        if child == 0:
            good = client.unstored() == []
            client.track("order", "created", {"child": True})
            client.flush(10)
            good = good and ["child" in one.event for one in client.unstored()] == [True]
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert len(client.unstored()) == 1
