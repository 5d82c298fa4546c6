"""The client for programs of asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast, overload

from event_py._native import Analysed, Answer, Client, Query, Stats, Unstored, Verdict
from event_py.errors import FlushTimeoutError
from event_py.export import AsyncExport, begin_async
from event_py.imports import run_async
from event_py.quarantine import AsyncQuarantine
from event_py.subjects import AsyncSubjects
from event_py.versions import AsyncTypes

if TYPE_CHECKING:
    import os

    from typing_extensions import Self, Unpack

    from event_py._native.analysed import Question
    from event_py._native.offer import Sendable
    from event_py._native.query import Keywords
    from event_py.export import Which
    from event_py.imports import How, Imported
    from event_py.settings import Settings

__all__ = ["AsyncClient"]


class AsyncClient:
    """The same as `Client`, with coroutines where there is something to wait for.

    While one waits, the loop goes on: the client's own thread wakes it when there is an answer. A wait that is
    cancelled ends, and what was asked for happens all the same. It may be made before there is a loop, and used from
    several, one after the other.

    >>> import asyncio, event_py
    >>> async def main() -> None:
    ...     async with event_py.AsyncClient("http://127.0.0.1:8000", source="shop", exit_timeout=0) as client:
    ...         print(client.stats())
    >>> asyncio.run(main())
    Stats()
    """

    __slots__ = ("__weakref__", "_client")

    def __init__(self, url: str, key: str | None = None, *, source: str, **settings: Unpack[Settings]) -> None:
        self._client = Client(url, key, source=source, **settings)

    def track(
        self,
        category: str,
        name: str,
        data: dict[str, Any] | None = None,
        *,
        id: str | None = None,
        version: str | None = None,
        session_id: str | None = None,
        sequence: int | None = None,
        source: str | None = None,
        subject: str | None = None,
        occurred_at: datetime | str | None = None,
    ) -> bool:
        """As `Client.track`: it never blocks, so there is nothing to wait for."""
        return self._client.track(
            category,
            name,
            data,
            id=id,
            version=version,
            session_id=session_id,
            sequence=sequence,
            source=source,
            subject=subject,
            occurred_at=occurred_at,
        )

    async def flush(self, timeout: float = 5.0) -> None:
        """As `Client.flush`."""
        await self._client._flush(timeout)

    async def close(self, timeout: float = 5.0) -> None:
        """As `Client.close`."""
        await self._client._close(timeout)

    async def send(self, events: Iterable[Sendable]) -> list[Verdict]:
        """As `Client.send`."""
        return await self._client._send(events)

    @overload
    async def query(self, query: Query | str = "count", **keywords: Unpack[Keywords]) -> Answer: ...

    @overload
    async def query(self, query: Question) -> Analysed: ...

    async def query(self, query: Any = "count", **keywords: Any) -> Any:
        """As `Client.query`."""
        ask = cast("Callable[..., Awaitable[Any]]", self._client._query)
        return await ask(query, **keywords)

    @property
    def types(self) -> AsyncTypes:
        """As `Client.types`, with coroutines."""
        return AsyncTypes(self._client)

    @property
    def quarantine(self) -> AsyncQuarantine:
        """As `Client.quarantine`, with coroutines."""
        return AsyncQuarantine(self._client)

    @property
    def subjects(self) -> AsyncSubjects:
        """As `Client.subjects`, with coroutines."""
        return AsyncSubjects(self._client)

    async def export(self, **which: Unpack[Which]) -> AsyncExport:
        """As `Client.export`."""
        return await begin_async(self._client, **which)

    async def import_file(self, path: str | os.PathLike[str], **how: Unpack[How]) -> Imported:
        """As `Client.import_file`."""
        return await run_async(self._client, path, **how)

    def stats(self) -> Stats:
        """As `Client.stats`."""
        return self._client.stats()

    def unstored(self) -> list[Unstored]:
        """As `Client.unstored`."""
        return self._client.unstored()

    def set_key(self, key: str) -> None:
        """As `Client.set_key`."""
        self._client.set_key(key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exception: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        try:
            await self._client._close(None)
        except FlushTimeoutError:
            # Else it would take the place of what has ended the block. The log tells what was lost.
            if exception is None:
                raise

    def __repr__(self) -> str:
        return f"Async{self._client!r}"
