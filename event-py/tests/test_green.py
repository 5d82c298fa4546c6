"""Greenlets: what waits for the client lets the others go on, and all events arrive."""

from __future__ import annotations

import pytest

from collector import Collector
from script import run

GREEN = {
    "gevent": """
        from gevent import monkey
        monkey.patch_all()
        import gevent, gevent.pool
        spawn, join = gevent.spawn, gevent.joinall
        timeout = gevent.Timeout
    """,
    "eventlet": """
        import eventlet
        eventlet.monkey_patch()
        spawn, join = eventlet.spawn, lambda greenlets: [greenlet.wait() for greenlet in greenlets]
        timeout = eventlet.Timeout
    """,
}
WORK = """
        import sys, time
        import event_py
        url, away = sys.argv[1:3]
        client = event_py.Client(url, source="shop")
        ticks = 0

        def work(number):
            for step in range(100):
                assert client.track("green", "tracked", {"number": number, "step": step})
                if step % 50 == 0:
                    time.sleep(0)
            client.flush(20)
            assert [verdict.status for verdict in client.send([{"category": "green", "name": "sent"}])] == ["stored"]

        def tick():
            global ticks
            while True:
                time.sleep(0.01)
                ticks += 1

        spawn(tick)
        join([spawn(work, number) for number in range(20)])
        slow = event_py.Client(away, source="shop", exit_timeout=0, send_timeout=0.5, backoff=(0.05, 0.05))
        slow.track("green", "lost")
        send = lambda: slow.send([{"category": "green", "name": "lost"}])
        for wait in (lambda: slow.flush(0.3), send, lambda: slow.close(0.3)):
            before = ticks
            try:
                with timeout(20):
                    wait()
                raise SystemExit("it cannot have left")
            except (event_py.FlushTimeoutError, event_py.UnconfirmedError):
                print(ticks - before)
        # A wait can be given up as any other.
        another = event_py.Client(away, source="shop", exit_timeout=0)
        another.track("green", "lost")
        started = time.monotonic()
        try:
            with timeout(0.1):
                another.flush(10)
        except timeout:
            print("given up", time.monotonic() - started < 2)
        client.track("green", "last")
"""


@pytest.mark.parametrize("library", GREEN)
def test_others_go_on(collector: Collector, library: str) -> None:
    pytest.importorskip(library)
    ended = run(GREEN[library] + WORK, collector.url, "http://127.0.0.1:1")
    *ticks, last = ended.stdout.split("\n")[:-1]
    assert last == "given up True"
    flushed, sent, closed = map(int, ticks)
    assert min(flushed, sent, closed) >= 5, ticks
    assert [collector.count("green", name) for name in ("tracked", "sent", "last")] == [2_000, 20, 1]
