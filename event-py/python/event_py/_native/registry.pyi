import os
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Literal, final

from typing_extensions import Self

from event_py._native.event import Event
from event_py._native.ndjson import Report
from event_py._native.schema import Schema
from event_py.errors import ValidationError, Violation

@final
class Registry:
    def __new__(
        cls,
        *,
        unknown_types: Literal["store", "quarantine", "reject"] = "store",
        future_tolerance: int = 300,
    ) -> Self: ...
    def register(
        self,
        category: str,
        name: str,
        schema: dict[str, Any] | bool | str | bytes | type | Schema | None,
        version: str = "1",
        on_violation: Literal["quarantine", "reject", "warn"] = "quarantine",
    ) -> None: ...
    def validate(self, event: dict[str, Any] | Event | bytes | str) -> tuple[Violation, ...]: ...
    def is_valid(self, event: dict[str, Any] | Event | bytes | str) -> bool: ...
    def validate_many(self, events: Iterable[dict[str, Any] | Event | bytes | str]) -> list[ValidationError | None]: ...
    def validate_ndjson(
        self,
        source: bytes | str | os.PathLike[str] | BinaryIO,
        *,
        max_errors: int = 1000,
        progress: Callable[[int], object] | None = None,
    ) -> Report: ...
