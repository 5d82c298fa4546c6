"""Every exception that is exported is raised by something that really happens, and is what it says that it is."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

import event_py
from event_py import Client, EventError, _native, errors
from event_py.testing import collecting

NOWHERE = "http://127.0.0.1:1"


def lonely(**settings: object) -> Client:
    """A client whose collector is not there."""
    return Client(NOWHERE, source="shop", exit_timeout=0, **settings)  # type: ignore[arg-type]


def invalid() -> None:
    collecting()[0].track("order", "created", {"value": float("nan")})


def no_json() -> None:
    collecting()[0].track("order", "created", {"value": b""})


def full() -> None:
    client = lonely(queue_events=1, on_full="raise")
    client.track("order", "created")
    client.track("order", "created")


def closed() -> None:
    client, _ = collecting()
    client.close()
    client.track("order", "created")


def unflushed() -> None:
    client = lonely()
    client.track("order", "created")
    client.flush(0.01)


def unconfirmed() -> None:
    lonely(send_timeout=0.05).send([{"category": "order", "name": "created"}])


RAISES: dict[str, Callable[[], object]] = {
    "ClientClosedError": closed,
    "CollectorError": lambda: lonely(send_timeout=0.05).query("count"),
    "ConfigError": lambda: Client("no url", source="shop"),
    "EventInternalError": lambda: _native._panic(),  # type: ignore[attr-defined]
    "EventTypeError": no_json,
    "FlushTimeoutError": unflushed,
    "PatchError": lambda: event_py.patch("{}", [{"op": "remove", "path": "/a"}]),
    "QueryError": lambda: event_py.Query("count", bucket="fortnight"),  # type: ignore[arg-type]
    "QueueFullError": full,
    "SchemaError": lambda: event_py.Schema({"type": "no type"}),
    "UnconfirmedError": unconfirmed,
    "UpcastError": lambda: event_py.Upcaster([{"step": "remove", "at": ""}]).apply({}),
    "ValidationError": invalid,
}

BUILT_IN = {
    "ClientClosedError": RuntimeError,
    "ConfigError": ValueError,
    "EventInternalError": RuntimeError,
    "EventTypeError": TypeError,
    "FlushTimeoutError": TimeoutError,
    "PatchError": ValueError,
    "QueryError": ValueError,
    "SchemaError": ValueError,
    "UpcastError": ValueError,
    "ValidationError": ValueError,
}


def test_none_is_left_out() -> None:
    classes = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    exceptions = {name for name in classes if issubclass(getattr(errors, name), Exception)}
    # What the others have in common is raised by each of them.
    assert exceptions - {"EventError"} == set(RAISES)
    assert exceptions <= set(event_py.__all__)


@pytest.mark.parametrize("name", RAISES)
def test_each_is_raised(name: str) -> None:
    with pytest.raises(EventError) as raised:
        RAISES[name]()
    error = raised.value
    assert type(error) is getattr(event_py, name)
    assert isinstance(error, BUILT_IN.get(name, EventError))
    assert str(error).strip()


@pytest.mark.parametrize("name", sorted(set(RAISES) - {"UnconfirmedError"}))
def test_they_go_from_process_to_process(name: str) -> None:
    with pytest.raises(EventError) as raised:
        RAISES[name]()
    copy = pickle.loads(pickle.dumps(raised.value))
    assert type(copy) is type(raised.value)
    assert str(copy) == str(raised.value)
    assert vars(copy) == vars(raised.value)
