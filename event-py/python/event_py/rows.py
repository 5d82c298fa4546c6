"""The rows of an answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["Row"]


class Row(NamedTuple):
    """One value of an `Answer`.

    >>> import event_py
    >>> event_py.answer("count", [{"category": "order", "name": "created"}]).rows
    [Row(start=None, end=None, partial=False, group={}, value=1)]
    """

    start: datetime | None
    """The first instant of its bucket, in UTC; `None` where the question has no buckets."""
    end: datetime | None
    """The first instant beyond."""
    partial: bool
    """Whether the range of the question cuts the bucket."""
    group: dict[str, Any]
    """What its events have at each of the fields of `by`."""
    value: int | Decimal | None
    """The measure, exact: an `int` for a count, else a `Decimal`; `None` for the average, minimum or maximum of
    nothing."""
