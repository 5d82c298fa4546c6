"""Processes that fork, P09: what is tracked before and after is delivered once, and nobody hangs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from collector import Collector
from script import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BOTH = """
    import os, sys
    from event_py import Client
    client = Client(sys.argv[1], source="shop", **({"spool": sys.argv[2]} if sys.argv[2:] else {}))
    for number in range(int(sys.argv[3]) if sys.argv[3:] else 1):
        client.track("before", "fork")
    child = os.fork()
    who = "parent" if child else "child"
    assert child or client.stats().offered == 0
    for number in range(100):
        assert client.track(who, "fork", {"number": number})
    if child:
        _, status = os.waitpid(child, 0)
        assert status == 0, status
    # Without a word of goodbye: the end of each program sees to it.
"""


@pytest.mark.parametrize("spool", [False, True])
def test_p09_parent_and_child(shared_collector: Collector, tmp_path: Path, spool: bool) -> None:
    before = {who: shared_collector.count(who) for who in ("before", "parent", "child")}
    run(BOTH, shared_collector.url, *([tmp_path / "spool"] if spool else []))
    after = {who: shared_collector.count(who) - before[who] for who in before}
    assert after == {"before": 1, "parent": 100, "child": 100}


def test_nothing_was_tracked_before(shared_collector: Collector, tmp_path: Path) -> None:
    before = shared_collector.count("parent") + shared_collector.count("child")
    run(BOTH, shared_collector.url, tmp_path / "spool", 0)
    assert shared_collector.count("parent") + shared_collector.count("child") == before + 200


def test_a_child_that_does_not_use_its_client_sets_nothing_up(shared_collector: Collector, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    code = """
        import os, sys
        from event_py import Client
        client = Client(sys.argv[1], source="shop", spool=sys.argv[2])
        client.track("unused", "fork")
        def seen():
            return sorted(os.listdir(sys.argv[2])), len(os.listdir("/proc/self/fd"))
        if os.fork() == 0:
            before = seen()
            from event_py import _native
            _native.close_all()
            assert seen() == before, (before, seen())
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
        client.close()
    """
    if not sys.platform.startswith("linux"):
        code = code.replace('len(os.listdir("/proc/self/fd"))', "0")
    run(code, shared_collector.url, spool)
    assert shared_collector.count("unused") == 1


def test_a_child_of_a_child(shared_collector: Collector) -> None:
    run(
        """
        import os, sys
        from event_py import Client
        client = Client(sys.argv[1], source="shop")
        client.track("generations", "0")
        for generation in range(1, 4):
            child = os.fork()
            if child:
                break
            client.track("generations", str(generation))
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        shared_collector.url,
    )
    assert [shared_collector.count("generations", str(number)) for number in range(4)] == [1, 1, 1, 1]


CYCLES = """
    import faulthandler, os, signal, sys, threading, time
    from event_py import Client
    url, cycles, longest = sys.argv[1], int(sys.argv[2]), 30
    client = Client(url, source="shop", linger=0.001, queue_events=1_000_000)
    stop, tracked = threading.Event(), [0, 0, 0]

    def work(number):
        while not stop.is_set():
            assert client.track("busy", str(number))
            tracked[number] += 1
            if tracked[number] % 20 == 0:
                time.sleep(0.001)
                # A collector that is slower than they are is not what this is about.
                while client.stats().waiting > 50_000:
                    time.sleep(0.01)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    hangs = failed = 0
    for cycle in range(cycles):
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(longest - 5, exit=False)
            good = client.track("child", str(cycle))
            client.flush(20) if cycle % 2 else client.close(20)
            os._exit(0 if good and client.stats().stored == 1 else 1)
        ends = time.monotonic() + longest
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                failed += status != 0
                break
            if time.monotonic() > ends:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                hangs += 1
                break
            time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join()
    client.close(60)
    stats = client.stats()
    print(hangs, failed, sum(tracked), stats.stored, stats.offered, sum(stats.dropped.values()))
"""


def test_forks_while_threads_track(collector: Collector) -> None:
    cycles = 1_000 if os.environ.get("EVENT_TEST_LONG") else 40
    ended = run(CYCLES, collector.url, cycles, timeout=1_200)
    hangs, failed, tracked, stored, offered, dropped = map(int, ended.stdout.split())
    print(f"{cycles} forks: {hangs} hangs, {failed} failed, {tracked} events of the parent")
    assert (hangs, failed) == (0, 0), ended.stderr
    assert (stored, offered, dropped) == (tracked, tracked, 0), ended.stderr
    assert collector.count("child") == cycles
    assert collector.count("busy") == tracked
