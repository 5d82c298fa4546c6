"""The collector of the tests does what they count on."""

from __future__ import annotations

from urllib.error import HTTPError, URLError

import pytest

from collector import Collector
from event_py import Client


def test_what_is_sent_is_counted(collector: Collector) -> None:
    with Client(collector.url, source="shop") as client:
        assert client.track("order", "created", {"value": 12.5})
        client.flush()
    assert collector.count("order", "created") == 1
    assert collector.count("order") == collector.count() == 1
    assert collector.count("order", "paid") == 0
    (event,) = collector.events()
    assert event["source"] == "shop"
    assert event["data"] == {"value": 12.5}


def test_it_comes_back_with_its_events_at_its_address(collector: Collector) -> None:
    url = collector.url
    with Client(url, source="shop") as client:
        client.track("order", "created")
        client.flush()
        collector.stop()
        with pytest.raises(URLError):
            collector.count()
        client.track("order", "created")
        collector.start()
        client.flush(20)
    assert collector.url == url
    assert collector.count("order") == 2


def test_keys_are_asked_for_once_there_are_some(collector: Collector) -> None:
    collector.register("order", "created", {"required": ["value"]})
    key = collector.key("shop")
    collector.stop()
    collector.start()
    with Client(collector.url, key, source="shop") as client:
        client.track("order", "created", {"value": 1})
        client.flush()
    with pytest.raises(HTTPError):
        collector.count()
    assert collector.count("order", key=key) == 1
