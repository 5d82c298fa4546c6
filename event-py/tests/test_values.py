"""What data may hold, P01 to P08: nothing is guessed, and nothing is turned into text unasked."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest

from event_py import Client, EventTypeError, ValidationError
from event_py.testing import Collected, collecting


@pytest.fixture
def both() -> Iterator[tuple[Client, Collected]]:
    client, collected = collecting()
    yield client, collected
    client.close()


def refused(client: Client, value: object) -> ValidationError:
    """The error of an event with this value, of which nothing is left but a count."""
    before = client.stats()
    with pytest.raises(ValidationError) as raised:
        client.track("order", "created", {"a": [value]})
    after = client.stats()
    assert after.waiting == before.waiting
    assert after.dropped.get("invalid", 0) == before.dropped.get("invalid", 0) + 1
    assert isinstance(raised.value, ValueError)
    return raised.value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_p01_what_json_has_no_number_for(both: tuple[Client, Collected], number: float) -> None:
    client, collected = both
    error = refused(client, number)
    assert error.code == "non_finite_number"
    assert error.violations[0].pointer == "/data/a/0"
    assert collected.json() == []


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_p02_beyond_64_bits(both: tuple[Client, Collected], number: int) -> None:
    client, _ = both
    assert refused(client, number).code == "number_out_of_range"
    assert client.track("order", "created", {"most": 2**63 - 1, "least": -(2**63)})


class Slippery:
    def __str__(self) -> str:
        raise AssertionError("it was turned into text")

    __repr__ = __str__


class Float64(float):
    """Made as `numpy.float64` is: it may have been rounded on its way."""


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        bytearray(b""),
        {1},
        frozenset(),
        Slippery(),
        Decimal("1.5"),
        Float64(1.5),
        1j,
        Colour.RED,
        range(3),
        len,
    ],
)
def test_p03_what_is_not_json(both: tuple[Client, Collected], value: object) -> None:
    client, collected = both
    with pytest.raises(EventTypeError) as raised:
        client.track("order", "created", {"a": {"b": [1, value]}})
    assert isinstance(raised.value, TypeError)
    assert raised.value.pointer == "/data/a/b/1"
    assert "/data/a/b/1" in str(raised.value)
    assert type(value).__qualname__ in str(raised.value)
    assert client.stats().dropped == {"invalid": 1}
    assert collected.json() == []


def test_what_derives_from_a_type_of_json_is_one(both: tuple[Client, Collected]) -> None:
    class Number(IntEnum):
        SEVEN = 7

    class Text(str):
        __slots__ = ()

    client, collected = both
    assert client.track("order", "created", {"n": Number.SEVEN, "t": Text("x"), "u": (1, None, True)})
    assert json.loads(collected.json()[0])["data"] == {"n": 7, "t": "x", "u": [1, None, True]}


def test_p04_times(both: tuple[Client, Collected]) -> None:
    client, collected = both
    error = refused(client, datetime(2021, 1, 1))
    assert error.code == "invalid_timestamp"
    assert "time zone" in str(error)
    with pytest.raises(EventTypeError) as raised:
        client.track("order", "created", {"on": date(2021, 1, 1)})
    assert raised.value.pointer == "/data/on"
    at = datetime(2021, 1, 1, 9, 15, 28, 5, tzinfo=timezone(timedelta(hours=1)))
    assert client.track("order", "created", {"at": at}, occurred_at=at)
    event = json.loads(collected.json()[0])
    assert datetime.fromisoformat(event["data"]["at"]) == at
    assert datetime.fromisoformat(event["occurred_at"].replace("Z", "+00:00")) == at
    with pytest.raises(ValidationError):
        client.track("order", "created", occurred_at=datetime(2021, 1, 1))
    with pytest.raises(EventTypeError):
        client.track("order", "created", occurred_at=date(2021, 1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [1, None, True, b"a", ("a",)])
def test_p05_keys_are_text(both: tuple[Client, Collected], key: object) -> None:
    client, _ = both
    with pytest.raises(EventTypeError, match="key"):
        client.track("order", "created", {"a": {key: 1}})


def test_p06_what_has_no_end(both: tuple[Client, Collected]) -> None:
    client, _ = both
    itself: dict[str, Any] = {}
    itself["itself"] = itself
    ring: list[Any] = []
    ring.append(ring)
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    for value in (itself, ring, deep):
        took = []
        for _ in range(5):
            started = time.perf_counter()
            assert refused(client, value).code == "too_deep"
            took.append(time.perf_counter() - started)
        # Of a build without optimisation.
        assert min(took) < 0.01
    # Python lets go of it one within the other.
    while deep:
        deep = deep[0]
    gc.collect()


def test_p07_texts_that_are_none(both: tuple[Client, Collected]) -> None:
    client, _ = both
    for text, code in [("\ud800", "invalid_unicode"), ("\x00", "nul_character")]:
        assert refused(client, text).code == code
        assert refused(client, {text: 1}).code == code
        with pytest.raises(ValidationError):
            client.track("order", text)
    assert client.track("order", "created", {"a": "\U0001f600"})


class Raising(dict[str, Any]):
    def items(self) -> Any:
        raise LookupError("no items today")


class Growing(dict[str, Any]):
    def items(self) -> Any:
        for key, value in super().items():
            self[key + "'"] = value
            yield key, value


class Zone(tzinfo):
    """A time zone that does something when it is asked."""

    def __init__(self, act: Any) -> None:
        self.act = act

    def utcoffset(self, at: datetime | None) -> timedelta:
        self.act()
        return timedelta(0)

    def dst(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, at: datetime | None) -> str:
        return "a zone"


def test_p08_what_python_raises(both: tuple[Client, Collected]) -> None:
    client, collected = both
    with pytest.raises(LookupError, match="no items today"):
        client.track("order", "created", {"a": Raising(b=1)})
    with pytest.raises(RuntimeError, match="changed size"):
        client.track("order", "created", {"a": Growing(b=1)})
    assert client.stats().dropped == {"invalid": 2}
    assert client.track("order", "created")
    assert len(collected.json()) == 1


def test_p08_a_dict_that_is_changed_while_it_is_read(both: tuple[Client, Collected]) -> None:
    client, collected = both

    def grow() -> None:
        data["more"] = 1

    def rename() -> None:
        data.clear()
        data.update(first=1, other=2)

    for act, sizes in [(grow, True), (rename, False)]:
        data: dict[str, Any] = {"at": datetime(2021, 1, 1, tzinfo=Zone(act)), "last": 2}
        if sizes:
            with pytest.raises(RuntimeError, match="changed size") as raised:
                client.track("order", "created", data)
            # Python's own, and no panic.
            assert type(raised.value) is RuntimeError
        else:
            # The same number of members: Python itself would not see it at once.
            client.track("order", "created", data)
    assert client.track("order", "created", {"good": 1})
    assert '{"good":1}' in collected.json()[-1]


def test_a_value_is_let_go_of(both: tuple[Client, Collected]) -> None:
    client, _ = both
    data = {"a": [1.5, "text", {"b": None}]}
    before = [sys.getrefcount(value) for value in (data, data["a"])]
    for _ in range(10):
        client.track("order", "created", data)
    assert [sys.getrefcount(value) for value in (data, data["a"])] == before


@pytest.mark.parametrize(
    ("given", "error", "place"),
    [
        ({"sequence": -1}, ValidationError, "/sequence"),
        ({"sequence": 2**70}, ValidationError, "/sequence"),
        ({"sequence": True}, EventTypeError, "/sequence"),
        ({"sequence": "1"}, EventTypeError, "/sequence"),
        ({"category": 5}, EventTypeError, "/category"),
        ({"subject": b"customer"}, EventTypeError, "/subject"),
        ({"occurred_at": 5}, EventTypeError, "/occurred_at"),
        ({"occurred_at": datetime(2026, 1, 1)}, ValidationError, "/occurred_at"),
        ({"occurred_at": "1969-01-01T00:00:00Z"}, ValidationError, "/occurred_at"),
    ],
)
def test_an_envelope_that_cannot_be_written_is_told_and_counted(
    both: tuple[Client, Collected], given: dict[str, Any], error: type[Exception], place: str
) -> None:
    client, _ = both
    with pytest.raises(error) as raised:
        client.track(**{"category": "order", "name": "created", **given})
    told = getattr(raised.value, "pointer", None) or raised.value.violations[0].pointer  # type: ignore[attr-defined]
    assert told == place
    assert client.stats().offered == client.stats().dropped["invalid"] == 1


def test_a_sequence_may_be_written_as_a_whole_float(both: tuple[Client, Collected]) -> None:
    client, collected = both
    assert client.track("order", "created", sequence=2.0)  # type: ignore[arg-type]
    assert json.loads(collected.json()[0])["sequence"] == 2


def test_an_offset_with_seconds_is_written_in_utc(both: tuple[Client, Collected]) -> None:
    client, collected = both
    amsterdam = timezone(timedelta(minutes=19, seconds=32))
    client.track("order", "created", {"at": datetime(1999, 12, 31, 12, tzinfo=amsterdam)})
    assert json.loads(collected.json()[0])["data"] == {"at": "1999-12-31T11:40:28+00:00"}


def test_a_zone_that_raises_is_heard(both: tuple[Client, Collected]) -> None:
    class Broken(tzinfo):
        def utcoffset(self, _: datetime | None) -> timedelta:
            raise ValueError("of the zone")

        def dst(self, _: datetime | None) -> timedelta | None:
            return None

        def tzname(self, _: datetime | None) -> str | None:
            return None

    with pytest.raises(ValueError, match="of the zone"):
        both[0].track("order", "created", {"at": datetime(2026, 1, 1, tzinfo=Broken())})
