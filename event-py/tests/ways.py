"""A client of asyncio, used like one that waits: what is tested of one is so tested of both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

from event_py import AsyncClient

__all__ = ["Waiting", "waiting"]


class Waiting:
    """Whatever has to be awaited is awaited; what can be iterated over is."""

    def __init__(self, awaited: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._awaited = awaited
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._awaited, name)
        if inspect.isroutine(value):
            return lambda *arguments, **keywords: self._made(value(*arguments, **keywords))
        return self._made(value)

    def _made(self, value: Any) -> Any:
        if inspect.isawaitable(value):

            async def awaited() -> Any:
                return await value

            return self._made(self._loop.run_until_complete(awaited()))
        if type(value).__module__ in (
            "event_py.export",
            "event_py.imports",
            "event_py.quarantine",
            "event_py.subjects",
            "event_py.versions",
        ):
            return value if isinstance(value, tuple) else Waiting(value, self._loop)
        return Waiting(value, self._loop) if hasattr(value, "__anext__") else value

    def __iter__(self) -> Iterator[Any]:
        steps = aiter(self._awaited)
        while True:
            try:
                yield self._loop.run_until_complete(anext(steps))
            except StopAsyncIteration:
                return

    def __enter__(self) -> Waiting:
        self._loop.run_until_complete(self._awaited.__aenter__())
        return self

    def __exit__(self, *exception: Any) -> None:
        self._loop.run_until_complete(self._awaited.__aexit__(*exception))


def waiting(url: str, **settings: Any) -> Iterator[Waiting]:
    """A client of asyncio for as long as a test needs it."""
    loop = asyncio.new_event_loop()
    try:
        with Waiting(AsyncClient(url, source="shop", **settings), loop) as client:
            yield client
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
