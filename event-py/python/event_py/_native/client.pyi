from asyncio import Future
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, overload

from typing_extensions import Self, Unpack

from event_py._native.analysed import Analysed, Question
from event_py._native.answer import Answer
from event_py._native.offer import Sendable
from event_py._native.query import Keywords, Query
from event_py._native.stats import Stats
from event_py._native.unstored import Unstored
from event_py._native.verdict import Verdict
from event_py.settings import Settings

class Client:
    def __new__(cls, url: str, key: str | None = None, *, source: str, **settings: Unpack[Settings]) -> Self: ...
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
    ) -> bool: ...
    def flush(self, timeout: float = 5.0) -> None: ...
    def close(self, timeout: float = 5.0) -> None: ...
    @overload
    def query(self, query: Query | str = "count", **keywords: Unpack[Keywords]) -> Answer: ...
    @overload
    def query(self, query: Question) -> Analysed: ...
    def send(self, events: Iterable[Sendable]) -> list[Verdict]: ...
    def unstored(self) -> list[Unstored]: ...
    def _flush(self, timeout: float) -> Future[None]: ...
    def _close(self, timeout: float | None) -> Future[None]: ...
    def _send(self, events: Iterable[Sendable]) -> Future[list[Verdict]]: ...
    @overload
    def _query(self, query: Query | str = "count", **keywords: Unpack[Keywords]) -> Future[Answer]: ...
    @overload
    def _query(self, query: Question) -> Future[Analysed]: ...
    def stats(self) -> Stats: ...
    def set_key(self, key: str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exception: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
