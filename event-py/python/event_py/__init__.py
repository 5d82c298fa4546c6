"""Application events: sent without blocking, judged by JSON Schema, answered exactly.

>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> client.track("page interaction", "pageview", {"path": "/"}, session_id="visit-1")
True
"""

from __future__ import annotations

import atexit

from event_py._native import Answer, Client, Query, Stats, Tally, answer, close_all
from event_py.errors import (
    ClientClosedError,
    CollectorError,
    ConfigError,
    EventError,
    EventInternalError,
    EventTypeError,
    FlushTimeoutError,
    QueryError,
    QueueFullError,
    ValidationError,
    Violation,
)
from event_py.rows import Row
from event_py.settings import Settings

__all__ = [
    "Answer",
    "Client",
    "ClientClosedError",
    "CollectorError",
    "ConfigError",
    "EventError",
    "EventInternalError",
    "EventTypeError",
    "FlushTimeoutError",
    "Query",
    "QueryError",
    "QueueFullError",
    "Row",
    "Settings",
    "Stats",
    "Tally",
    "ValidationError",
    "Violation",
    "answer",
]

# Before the interpreter goes: afterwards no thread may speak to it.
atexit.register(close_all)
