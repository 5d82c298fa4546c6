"""A client for the tests of applications: it sends nothing over a network, and what it has sent can be looked at."""

from __future__ import annotations

from event_py._native import Collected, collecting

__all__ = ["Collected", "collecting"]
