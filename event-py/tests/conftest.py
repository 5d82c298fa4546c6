"""What the tests share: a real collector."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector import Collector, running
from event_py import Client
from ways import waiting

# A shell without job control starts what it sends to the background with Ctrl-C ignored, and every program that is
# started here would inherit that: nobody would hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector of the test's own, without any events: `.url`, `.count(…)`, `.events()`, `.stop()`, `.start()`."""
    directory = tmp_path / "collector"
    directory.mkdir()
    yield from running(directory)


@pytest.fixture(scope="session")
def shared_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector for all tests that tell their events apart by a category of their own; nobody may stop it."""
    yield from running(tmp_path_factory.mktemp("collector"))


@pytest.fixture(params=["waits", "awaits"])
def client(request: pytest.FixtureRequest, collector: Collector) -> Iterator[Any]:
    """A client of the test's own collector; of asyncio, too, which then waits for what it awaits."""
    if request.param == "awaits":
        yield from waiting(collector.url)
    else:
        with Client(collector.url, source="shop") as made:
            yield made
