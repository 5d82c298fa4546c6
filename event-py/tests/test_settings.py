"""Settings of a client: what is not given, and what cannot be used."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from event_py import Client, ConfigError, FlushTimeoutError

URL = "http://127.0.0.1:1"


def test_what_is_none_is_not_given() -> None:
    settings: Any = dict.fromkeys(["proxy", "exit_timeout", "spool", "fsync", "queue_events", "registry"])
    with Client(URL, None, source="shop", **settings) as client:
        assert client.stats().offered == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"fsync": True},
        {"fsync": "sometimes"},
        {"linger": -1},
        {"linger": float("nan")},
        {"queue_events": 0},
        {"on_full": "wait"},
        {"compression": 7},
        {"registry": {}},
    ],
)
def test_what_cannot_be_used_is_named(settings: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Client(URL, source="shop", **settings)


def test_a_setting_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(TypeError, match="lingers"):
        Client(URL, source="shop", lingers=1)  # type: ignore[call-arg]


def test_a_flush_that_was_too_short_says_what_waits_also_from_another_process() -> None:
    client = Client(URL, source="shop", exit_timeout=0)
    client.track("order", "created")
    with pytest.raises(FlushTimeoutError) as raised:
        client.flush(0.01)
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value)), copy.copy(raised.value)):
        assert (error.waiting, error.spooled, error.errno, error.filename) == (1, 0, None, None)
        assert "1 events" in str(error)
    with pytest.raises(FlushTimeoutError):
        client.close(0)
