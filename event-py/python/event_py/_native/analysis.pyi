from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Literal, final
from zoneinfo import ZoneInfo

from typing_extensions import Self

_Which = str | dict[str, Any]
_Unit = Literal["minute", "hour", "day", "week", "month"]

class Analysis:
    def to_json(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Sessions(Analysis):
    def __new__(
        cls,
        *,
        order: Literal["ascending", "descending"] = "ascending",
        limit: int | None = None,
        cursor: str | None = None,
        zone: str | ZoneInfo = "UTC",
        from_: date | str | None = None,
        to: date | str | None = None,
        filter: dict[str, Any] | None = None,
    ) -> Self: ...
    @classmethod
    def from_json(cls, json: str | bytes) -> Self: ...

@final
class Funnel(Analysis):
    def __new__(
        cls,
        steps: Iterable[_Which],
        *,
        by: str = "session_id",
        window: timedelta | str | None = None,
        order: Literal["ordered", "strict", "any"] = "ordered",
        zone: str | ZoneInfo = "UTC",
        from_: date | str | None = None,
        to: date | str | None = None,
        filter: dict[str, Any] | None = None,
    ) -> Self: ...
    @classmethod
    def from_json(cls, json: str | bytes) -> Self: ...

@final
class Retention(Analysis):
    def __new__(
        cls,
        *,
        by: str = "subject",
        first: _Which | None = None,
        again: _Which | None = None,
        bucket: _Unit = "day",
        periods: int = 14,
        zone: str | ZoneInfo = "UTC",
        from_: date | str | None = None,
        to: date | str | None = None,
        filter: dict[str, Any] | None = None,
    ) -> Self: ...
    @classmethod
    def from_json(cls, json: str | bytes) -> Self: ...

@final
class Active(Analysis):
    def __new__(
        cls,
        open: _Which,
        close: _Which,
        *,
        key: str | Iterable[str] = "subject",
        by: str | Iterable[str] = (),
        at: datetime | date | str | None = None,
        bucket: _Unit | None = None,
        zone: str | ZoneInfo = "UTC",
        from_: date | str | None = None,
        to: date | str | None = None,
        filter: dict[str, Any] | None = None,
    ) -> Self: ...
    @classmethod
    def from_json(cls, json: str | bytes) -> Self: ...
