"""The life of processes: clients are closed at the end of each, also of those that end without `atexit`."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

from event_py._native import close_all

__all__ = ["watch"]

_prepared: set[str] = set()


def watch() -> None:
    """Has the clients of this process closed at its end, and those of its children at theirs."""
    # Before the interpreter goes: afterwards no thread may speak to it.
    atexit.register(close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_prepare)
    _prepare()


def _prepare() -> None:
    """Looks for what starts processes that end by `os._exit`, without importing any of it."""
    util: Any = sys.modules.get("multiprocessing.util")
    # `billiard` has its children finish by this one, too. One that is still being imported has not begun any.
    if hasattr(util, "_run_after_forkers") and "multiprocessing" not in _prepared:
        _prepared.add("multiprocessing")
        util.register_after_fork(_finish_child, _finish_child)
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            # Imported by what the child itself does: what is to be done after the fork is done already.
            _finish_child(None)
    # The processes of Celery's pool say that they end, and then do.
    signals: Any = sys.modules.get("celery.signals")
    if hasattr(signals, "worker_process_shutdown") and "celery" not in _prepared:
        _prepared.add("celery")
        signals.worker_process_shutdown.connect(_close_all, weak=False)


def _finish_child(_: object) -> None:
    """Has a process of `multiprocessing` close its clients after whatever else it has to finish."""
    util: Any = sys.modules["multiprocessing.util"]
    util.Finalize(None, close_all, exitpriority=-100)


def _close_all(**_: object) -> None:
    close_all()
