"""Events out of a collector, in the order of its log and in bounded memory.

with event_py.Client("http://127.0.0.1:8000", source="shop") as client:
    with client.export(category="order", where={"/country": "US"}) as export:
        for event in export:
            print(event.id, event.data)
    position = client.export(format="csv", columns=["/value"]).save("orders.csv")
    client.export(format="csv", columns=["/value"], after=position).save("orders-since.csv")
"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from event_py import _ask
from event_py._native import Event
from event_py._native import Export as _Export

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from typing_extensions import Self, Unpack

    from event_py._native import Client

__all__ = ["AsyncExport", "Export", "Which"]


class Which(TypedDict, total=False):
    """Which events are exported, and as what; all are optional.

    >>> from event_py.export import Which
    >>> Which(format="csv", category="order", columns=["/value"])["format"]
    'csv'
    """

    format: Literal["ndjson", "csv", "arrow"]
    """What they are written as (`"ndjson"`)."""
    after: int
    """Only those behind this position: the `position` of the export before (0)."""
    from_: date | str | None
    """They happened at this time, or later."""
    to: date | str | None
    """They happened before this time."""
    zone: str | ZoneInfo
    """Whose clock it is that times without an offset are of (`"UTC"`)."""
    category: str
    """What they belong to."""
    name: str
    """What happened."""
    version: str
    """The version of their type."""
    source: str
    """The application that they are from."""
    session_id: str
    """The visit or run that they belong to."""
    subject: str
    """Whom they are about."""
    where: dict[str, Any]
    """What they have at each of these places of their data, say `{"/country": "US"}`."""
    upcast: str
    """The version that events are brought to, or `"latest"` for the active one; without it they are as stored."""
    columns: list[str]
    """For CSV: places of the data that become columns, in the place of `data`."""
    formulas: Literal["escaped", "verbatim"]
    """For CSV: whether a text that a spreadsheet would take for a formula gets a `'` before it (`"escaped"`)."""


def _parameters(which: Which) -> list[tuple[str, str]]:
    given: dict[str, Any] = dict(which)
    where, columns = given.pop("where", {}), given.pop("columns", ())
    return [*_ask.parameters({**given, "column": [*columns]}), *_ask.parameters(where)]


def begin(client: Client, **which: Unpack[Which]) -> Export:
    """As `Client.export`."""
    return Export(client._export(_parameters(which)))


async def begin_async(client: Client, **which: Unpack[Which]) -> AsyncExport:
    """As `AsyncClient.export`."""
    return AsyncExport(await client._export_pending(_parameters(which)))


class _Lines:
    """Bytes as they come → the events of their lines."""

    def __init__(self) -> None:
        self._rest = b""
        self.last: int | None = None

    def read(self, chunk: bytes) -> Iterator[Event]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self.last, event = _Export.read(line)
            yield event


class _Part:
    """A file that appears under its name when it is whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._part = os.fspath(path), f"{os.fspath(path)}.part"

    def __enter__(self) -> io.BufferedWriter:
        self._file = open(self._part, "wb")
        return self._file

    def __exit__(self, exception: object, *more: object) -> None:
        self._file.close()
        if exception is None:
            os.replace(self._part, self._path)
        else:
            os.unlink(self._part)


class _Bytes(io.RawIOBase):
    """Chunks, for whatever reads from files."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _needed(package: str, who: str) -> Any:
    try:
        return import_module(package)
    except ImportError as missing:
        raise ImportError(f"{who} needs {package.split('.')[0]}: pip install {package.split('.')[0]}") from missing


class Export:
    """An export on its way: `client.export(…)`.

    As NDJSON, which it is unless a `format` is given, it is an iterator over `Event`s. `chunks` gives its bytes, `save`
    writes them to a file, and `batches` and `save_parquet` read those of the format `arrow`. It comes as fast as it is
    read, and never more than a few chunks of it are in memory. One that breaks off raises `CollectorError`.
    """

    def __init__(self, native: _Export) -> None:
        self._native = native
        self._lines = _Lines()
        self._events = (event for chunk in self.chunks() for event in self._lines.read(chunk))

    @property
    def position(self) -> int:
        """Every event up to this position is in it, once all of it was read: the `after` of the next export."""
        return self._native.position

    @property
    def last(self) -> int | None:
        """The position of the last event that it has given: the `after` of one that goes on where this is left."""
        return self._lines.last

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, as they come."""
        while (chunk := self._native.next_bytes()) is not None:
            yield chunk

    def save(self, path: str | os.PathLike[str]) -> int:
        """Writes it to a file, which appears under its name when it is whole; answers the `position`."""
        with self, _Part(path) as file:
            for chunk in self.chunks():
                file.write(chunk)
        return self.position

    def batches(self) -> Any:
        """An export of the format `arrow` as a `pyarrow.RecordBatchReader`; pyarrow has to be installed."""
        return _needed("pyarrow.ipc", "batches").open_stream(io.BufferedReader(_Bytes(self.chunks())))

    def save_parquet(self, path: str | os.PathLike[str]) -> int:
        """Writes an export of the format `arrow` to a file of Parquet, as `save` does; pyarrow has to be installed."""
        parquet = _needed("pyarrow.parquet", "save_parquet")
        with self, _Part(path) as file:
            batches = self.batches()
            with parquet.ParquetWriter(file, batches.schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch)
        return self.position

    def close(self) -> None:
        """Lets go of what has not come yet."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Export(position={self.position})"


class AsyncExport:
    """The same with coroutines: `await client.export(…)` of an `AsyncClient`."""

    def __init__(self, native: _Export) -> None:
        self._native = native
        self._lines = _Lines()

    @property
    def position(self) -> int:
        """As `Export.position`."""
        return self._native.position

    @property
    def last(self) -> int | None:
        """As `Export.last`."""
        return self._lines.last

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for chunk in self.chunks():
            for event in self._lines.read(chunk):
                yield event

    async def chunks(self) -> AsyncIterator[bytes]:
        """As `Export.chunks`."""
        while (chunk := await self._native.next_pending()) is not None:
            yield chunk

    async def save(self, path: str | os.PathLike[str]) -> int:
        """As `Export.save`; the loop waits while the disk is written."""
        async with self:
            with _Part(path) as file:
                async for chunk in self.chunks():
                    file.write(chunk)
        return self.position

    async def close(self) -> None:
        """As `Export.close`."""
        self._native.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._native.close()

    def __repr__(self) -> str:
        return f"AsyncExport(position={self.position})"
