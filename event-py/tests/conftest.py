"""What the tests share: a real collector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import Collector


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


def running(directory: Path) -> Iterator[Collector]:
    collector = Collector(directory)
    collector.start()
    try:
        yield collector
    finally:
        collector.kill()
