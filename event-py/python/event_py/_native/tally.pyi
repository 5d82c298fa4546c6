from collections.abc import Iterable
from os import PathLike
from typing import Any, Protocol, final

from typing_extensions import Self, Unpack

from event_py._native.answer import Answer
from event_py._native.query import Keywords, Query

class _Writes(Protocol):
    def to_json(self) -> str | bytes: ...

class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...

class _Streams(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class _Batches(Protocol):
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

_Event = dict[str, Any] | str | bytes | _Writes
Events = Iterable[_Event] | bytes | bytearray | memoryview | str | PathLike[str] | _Reads | _Streams | _Batches

def answer(query: Query | str, events: Events) -> Answer: ...

@final
class Tally:
    def __new__(cls, query: Query | str = "count", **keywords: Unpack[Keywords]) -> Self: ...
    def add(self, events: Events) -> None: ...
    def merge(self, other: Tally) -> None: ...
    def answer(self) -> Answer: ...
