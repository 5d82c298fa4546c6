"""The settings of a client, all of them optional."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from event_py._native import Registry

__all__ = ["Settings"]


class Settings(TypedDict, total=False):
    """Keyword arguments of `Client`. Times are in seconds.

    >>> from event_py import Client, Settings
    >>> settings = Settings(queue_events=10_000, on_full="raise")
    >>> Client("http://127.0.0.1:8000", source="shop", **settings).stats().offered
    0
    """

    spool: str | os.PathLike[str]
    """A directory: events wait there instead of in memory, and survive the end of the process."""
    spool_bytes: int
    """How much the spool may hold."""
    spool_age: float
    """How long an event may lie there."""
    fsync: Literal["always", "never"] | float
    """When the disk itself has to have what was written: with each event, never by our doing, or so often (1)."""
    on_full: Literal["drop", "raise"]
    """Where there is no room for an event, `track` answers `False` (`"drop"`) or raises `QueueFullError`."""
    exit_timeout: float
    """How long the end of the program, or of a `with` block, waits for events to leave (2)."""
    queue_events: int
    """How many events may wait in memory (100,000)."""
    queue_bytes: int
    """How many bytes of events may wait in memory (64 MiB)."""
    batch_events: int
    """How many events go into one request (1,000)."""
    batch_bytes: int
    """How many bytes of events go into one request, before compression (1 MiB)."""
    linger: float
    """How long events wait for their batch to fill (0.5)."""
    backoff: tuple[float, float]
    """The longest wait before the first retry (0.5), and the longest of all (30)."""
    pause: float
    """How long to rest while the collector refuses the key, or is none (60)."""
    report_every: float
    """How often the collector is told of losses, where there are new ones (60)."""
    send_timeout: float
    """How long `send` and `query` go on trying (30)."""
    connect_timeout: float
    """How long it may take to connect (5)."""
    request_timeout: float
    """How long a request may take, its answer included (30)."""
    compression: Literal["gzip", "none"]
    """How bodies are compressed (`"gzip"`)."""
    proxy: str
    """The proxy that requests go through; by default none, whatever the environment says."""
    plain_http: bool
    """Whether `http` is good enough on the way to another machine (no)."""
    registry: Registry
    """Judge events by these rules, as they are now, before they are taken in."""
    fetch_schemas: float
    """Judge events by the collector's own schemas before they are taken in; they are asked for so often."""
