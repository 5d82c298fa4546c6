from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, TypedDict, final
from zoneinfo import ZoneInfo

from typing_extensions import Self

class Keywords(TypedDict, total=False):
    by: str | Iterable[str]
    bucket: Literal["minute", "hour", "day", "week", "month"] | None
    zone: str | ZoneInfo
    from_: date | str | None
    to: date | str | None
    top: int | None
    filter: dict[str, Any] | None

@final
class Query:
    def __new__(
        cls,
        measure: str = "count",
        *,
        by: str | Iterable[str] = (),
        bucket: Literal["minute", "hour", "day", "week", "month"] | None = None,
        zone: str | ZoneInfo = "UTC",
        from_: date | str | None = None,
        to: date | str | None = None,
        top: int | None = None,
        filter: dict[str, Any] | None = None,
    ) -> Self: ...
    @classmethod
    def from_json(cls, json: str | bytes) -> Self: ...
    def to_json(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
