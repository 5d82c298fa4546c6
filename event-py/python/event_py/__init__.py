"""Application events: sent without blocking, judged by JSON Schema, answered exactly.

>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> client.track("page interaction", "pageview", {"path": "/"}, session_id="visit-1")
True
"""

from __future__ import annotations

from event_py import _process
from event_py._native import (
    Active,
    Analysed,
    Analysis,
    Answer,
    Client,
    Event,
    Frame,
    Funnel,
    Inference,
    Query,
    Registry,
    Report,
    Retention,
    Schema,
    Sessions,
    Stats,
    Tally,
    Unstored,
    Upcaster,
    Verdict,
    analyse,
    answer,
    compatibility,
    infer,
    patch,
)
from event_py.aio import AsyncClient
from event_py.errors import (
    ClientClosedError,
    CollectorError,
    ConfigError,
    EventError,
    EventInternalError,
    EventTypeError,
    FlushTimeoutError,
    LineError,
    PatchError,
    QueryError,
    QueueFullError,
    SchemaError,
    UnconfirmedError,
    UpcastError,
    ValidationError,
    Violation,
)
from event_py.rows import Row
from event_py.settings import Settings
from event_py.versions import Compatibility

__all__ = [
    "Active",
    "Analysed",
    "Analysis",
    "Answer",
    "AsyncClient",
    "Client",
    "ClientClosedError",
    "CollectorError",
    "Compatibility",
    "ConfigError",
    "Event",
    "EventError",
    "EventInternalError",
    "EventTypeError",
    "FlushTimeoutError",
    "Frame",
    "Funnel",
    "Inference",
    "LineError",
    "PatchError",
    "Query",
    "QueryError",
    "QueueFullError",
    "Registry",
    "Report",
    "Retention",
    "Row",
    "Schema",
    "SchemaError",
    "Sessions",
    "Settings",
    "Stats",
    "Tally",
    "UnconfirmedError",
    "Unstored",
    "UpcastError",
    "Upcaster",
    "ValidationError",
    "Verdict",
    "Violation",
    "analyse",
    "answer",
    "compatibility",
    "infer",
    "patch",
]

_process.watch()
