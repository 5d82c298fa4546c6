"""What a collector is asked to do, said once for those who wait and for those who await."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from event_py.errors import QueryError

if TYPE_CHECKING:
    from event_py._native import Client
    from event_py._native.client import Asked

__all__ = ["Ask", "Steps", "ask", "ask_all", "instant", "parameters", "wait", "wait_all", "written"]

T = TypeVar("T")


@dataclass(frozen=True)
class Ask(Generic[T]):
    """One request, and what is made of its answer."""

    verb: str
    read: Callable[[Any], T]
    names: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    body: str | None = None

    @property
    def asked(self) -> Asked:
        """The same as the native client takes it."""
        return self.verb, self.names, self.parameters, self.body


# Whoever knows what to ask next when there is an answer, and what it all comes to in the end.
Steps = Generator[Ask[dict[str, Any]], dict[str, Any], T]


def wait(client: Client, asked: Ask[T]) -> T:
    """Asks, and waits for the answer."""
    return asked.read(client._call(asked.asked))


async def ask(client: Client, asked: Ask[T]) -> T:
    """Asks, and awaits the answer."""
    return asked.read(await client._call_pending(asked.asked))


def wait_all(client: Client, steps: Steps[T]) -> T:
    """Asks one thing after the other, and waits for each answer."""
    try:
        told = wait(client, next(steps))
        while True:
            told = wait(client, steps.send(told))
    except StopIteration as end:
        done: T = end.value
        return done


async def ask_all(client: Client, steps: Steps[T]) -> T:
    """Asks one thing after the other, and awaits each answer."""
    following = next(steps)
    while True:
        told = await ask(client, following)
        try:
            following = steps.send(told)
        except StopIteration as end:
            done: T = end.value
            return done


def parameters(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The parameters of a URL: what is `None` is left out, what is a list is said several times."""
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        values = cast("Iterable[Any]", value) if isinstance(value, (list, tuple)) else [value]
        pairs += [(name.rstrip("_"), text(name, one)) for one in values if one is not None]
    return tuple(pairs)


def text(name: str, value: Any) -> str:
    """A value as a URL, or a filter in JSON, has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise QueryError(
            f"{name}: a datetime has no time zone: give it one, say timezone.utc", "invalid_parameter", name
        )
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    # A zone of `zoneinfo` knows its name.
    return str(getattr(value, "key", value))


def instant(told: str) -> datetime:
    """A time as collectors write it."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in told else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.strptime(told, form).replace(tzinfo=timezone.utc)


def written(value: Any) -> str:
    """JSON, for what is no data of an event: a schema, a patch. What is text is JSON already."""
    if isinstance(value, (str, bytes)):
        return value if isinstance(value, str) else value.decode()
    return json.dumps(value, allow_nan=False)
