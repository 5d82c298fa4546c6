"""Application events: sent without blocking, judged by JSON Schema, answered exactly.

>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> client.track("page interaction", "pageview", {"path": "/"}, session_id="visit-1")
True
"""

from __future__ import annotations

import atexit

from event_py._native import (
    Answer,
    Client,
    Event,
    Query,
    Registry,
    Report,
    Schema,
    Stats,
    Tally,
    answer,
    close_all,
)
from event_py.errors import (
    ClientClosedError,
    CollectorError,
    ConfigError,
    EventError,
    EventInternalError,
    EventTypeError,
    FlushTimeoutError,
    LineError,
    QueryError,
    QueueFullError,
    SchemaError,
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
    "Event",
    "EventError",
    "EventInternalError",
    "EventTypeError",
    "FlushTimeoutError",
    "LineError",
    "Query",
    "QueryError",
    "QueueFullError",
    "Registry",
    "Report",
    "Row",
    "Schema",
    "SchemaError",
    "Settings",
    "Stats",
    "Tally",
    "ValidationError",
    "Violation",
    "answer",
]

# Before the interpreter goes: afterwards no thread may speak to it.
atexit.register(close_all)
