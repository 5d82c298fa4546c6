"""Threads, P17 to P19: counts are exact, and nobody waits."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from collector import Collector
from event_py import Client, ClientClosedError, QueueFullError

THREADS = 8
EACH = 10_000


def together(work: Callable[[int], None], threads: int = THREADS) -> None:
    """Has several threads do something at once; what one of them raises is raised."""
    wrong: list[BaseException] = []
    gate = threading.Barrier(threads)

    def begin(number: int) -> None:
        gate.wait()
        try:
            work(number)
        except BaseException as error:
            wrong.append(error)

    running = [threading.Thread(target=begin, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if wrong:
        raise wrong[0]


def test_p17_many_threads(collector: Collector) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with Client(collector.url, source="shop", exit_timeout=60) as client:

            def work(thread: int) -> None:
                for number in range(EACH):
                    assert client.track("threads", str(thread), {"number": number})

            together(work)
            client.flush(60)
            stats = client.stats()
    finally:
        sys.setswitchinterval(before)
    assert stats.offered == stats.stored == THREADS * EACH == 80_000
    assert stats.dropped == {}
    assert collector.count("threads") == 80_000
    assert [collector.count("threads", str(thread)) for thread in range(THREADS)] == [EACH] * THREADS


def test_all_that_can_be_called_at_once(collector: Collector) -> None:
    with Client(collector.url, source="shop", exit_timeout=30) as client:
        shared = {"numbers": list(range(50)), "changed": {str(number): number for number in range(50)}}

        def work(thread: int) -> None:
            for number in range(100):
                if thread == 0:
                    shared["changed"] = {str(number): number for number in range(number)}
                    continue
                client.track("all", "tracked", shared)
                if thread == 1:
                    client.flush(30)
                elif thread == 2:
                    assert [verdict.status for verdict in client.send([{"category": "all", "name": "sent"}])] == [
                        "stored"
                    ]
                else:
                    client.stats(), client.unstored(), repr(client)

        together(work, 5)
    assert (collector.count("all", "tracked"), collector.count("all", "sent")) == (400, 100)


def test_p18_after_close(collector: Collector) -> None:
    client = Client(collector.url, source="shop")
    client.track("closed", "before")
    client.close()
    for _ in range(2):
        with pytest.raises(ClientClosedError):
            client.track("closed", "after")
    assert isinstance(ClientClosedError("…"), RuntimeError)
    client.flush()
    client.close()
    stats = client.stats()
    assert (stats.offered, stats.stored, stats.dropped) == (3, 1, {"closed": 2})
    assert collector.count("closed") == 1


@pytest.mark.parametrize("on_full", ["drop", "raise"])
def test_p19_a_full_queue(on_full: Literal["drop", "raise"]) -> None:
    """Its collector takes the connection, and then hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = Client(
            url, source="shop", queue_events=100, batch_events=10, linger=0, on_full=on_full, exit_timeout=0
        )
        taken, dropped, longest = 0, 0, 0.0
        for _ in range(2_000):
            started = time.perf_counter()
            try:
                good = client.track("full", "queue")
            except QueueFullError as error:
                assert (on_full, error.reason) == ("raise", "queue_full")
                good = False
            longest = max(longest, time.perf_counter() - started)
            taken += good
            dropped += not good
        stats = client.stats()
        assert stats.dropped == {"queue_full": dropped}
        assert stats.waiting == taken
        assert stats.offered == 2_000
        # Beside those in the queue one batch is on its way.
        assert 100 <= taken <= 110
        # The request has thirty seconds; a thread that is not woken for a while is no wait for it.
        assert longest < 0.5, longest
        with pytest.raises(TimeoutError) as raised:
            client.close(0.1)
        assert raised.value.waiting == taken  # type: ignore[attr-defined]


def test_p19_a_full_spool(tmp_path: Path) -> None:
    client = Client(
        "http://127.0.0.1:1", source="shop", spool=tmp_path / "spool", spool_bytes=9_000_000, exit_timeout=0
    )
    data = {str(number): "x" * 1_000 for number in range(200)}
    taken = 0
    while client.track("full", "spool", data):
        taken += 1
        assert taken < 100
    assert taken > 10
    assert client.stats().dropped == {"spool_full": 1}
    assert client.stats().spooled == taken
