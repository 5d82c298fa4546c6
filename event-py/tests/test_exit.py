"""The end of programs: P11 to P13 and P20."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import Collector
from event_py import Client
from script import run, start

ENDS = {
    "the last line": ("pass", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise LookupError('of the program')", 1),
}
LEAVES = """
    import sys
    from event_py import Client
    url, end, spool = sys.argv[1:4]
    client = Client(url, source="shop", linger=60, **({"spool": spool} if spool else {}))
    for number in range(100):
        assert client.track("exit", "left", {"number": number})
    exec(end)
"""


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of somebody who takes whatever comes, and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def recovered(spool: Path, url: str) -> int:
    """Sends what was left in a spool, and answers how much that was."""
    with Client(url, source="shop", spool=spool) as client:
        client.flush(20)
        assert client.stats().delivered == client.stats().offered
        return client.stats().recovered


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("end", ENDS)
def test_p11_without_close(collector: Collector, tmp_path: Path, end: str, spooled: bool) -> None:
    how, code = ENDS[end]
    ended = run(LEAVES, collector.url, how, tmp_path / "spool" if spooled else "", exits=code)
    assert collector.count("exit") == 100
    assert ("of the program" in ended.stderr) == (end == "an exception")
    assert "dropped" not in ended.stderr


@pytest.mark.parametrize(
    ("away", "end", "spooled"),
    [
        ("deaf", "the last line", False),
        ("deaf", "sys.exit", True),
        ("nobody", "an exception", False),
        ("nobody", "sys.exit", True),
    ],
)
def test_p12_nobody_to_take_them(
    request: pytest.FixtureRequest, collector: Collector, tmp_path: Path, away: str, end: str, spooled: bool
) -> None:
    how, code = ENDS[end]
    spool = tmp_path / "spool"
    started = time.monotonic()
    ended = run(LEAVES, request.getfixturevalue(away), how, spool if spooled else "", exits=code)
    took = time.monotonic() - started
    # Two seconds for the events, half a one for the last words; the rest is for the start of Python on a busy machine.
    assert 2.0 <= took <= 3.0 + 1.0, took
    assert ("of 100 events 100 were dropped (100 shutdown)" in ended.stderr) != spooled
    if spooled:
        assert recovered(spool, collector.url) == 100
        assert collector.count("exit") == 100


@pytest.mark.parametrize("how", ["with", "sys.exit"])
def test_the_end_of_a_block_does_not_hide_what_ended_it(nobody: str, how: str) -> None:
    code = """
        import sys
        from event_py import Client
        with Client(sys.argv[1], source="shop", exit_timeout=0.1) as client:
            client.track("exit", "left")
            if sys.argv[2] == "sys.exit":
                sys.exit(3)
    """
    ended = run(code, nobody, how, exits=3 if how == "sys.exit" else 1)
    assert ("FlushTimeoutError" in ended.stderr) == (how == "with")
    assert ended.stderr.count("of 1 events 1 was dropped (1 shutdown)") == 1


DIES = """
    import os, sys
    from event_py import Client
    client = Client(sys.argv[1], source="shop", linger=60, **({"spool": sys.argv[2]} if sys.argv[2:] else {}))
    for number in range(100):
        assert client.track("death", "left", {"number": number})
    print("tracked", flush=True)
"""


@pytest.mark.parametrize("end", ["os._exit(4)", "os.kill(os.getpid(), 9)"])
def test_p13_death(collector: Collector, tmp_path: Path, end: str) -> None:
    code = DIES + f"    {end}\n"
    exits = 4 if "_exit" in end else -signal.SIGKILL
    run(code, collector.url, tmp_path / "spool", exits=exits)
    assert recovered(tmp_path / "spool", collector.url) == 100
    assert collector.count("death") == 100
    # In memory they die with the process, as the documentation says.
    run(code, collector.url, exits=exits)
    assert collector.count("death") == 100


def test_p13_killed_while_it_tracks(collector: Collector, tmp_path: Path) -> None:
    code = """
        import sys
        from event_py import Client
        client = Client(sys.argv[1], source="shop", spool=sys.argv[2], linger=0.001, batch_events=50)
        number = 0
        while True:
            assert client.track("killed", "left", id=str(number))
            number += 1
            if number % 100 == 0:
                print(number, flush=True)
    """
    told = 0
    for run_number in range(3):
        spool = tmp_path / f"spool {run_number}"
        with start(code.replace("id=str(number)", f"id='{run_number}-' + str(number)"), collector.url, spool) as dies:
            assert dies.stdout is not None
            for _ in range(5 + 10 * run_number):
                line = dies.stdout.readline()
            dies.kill()
            told += int(line)
        recovered(spool, collector.url)
        ids = [event["id"] for event in collector.events(category="killed")]
        assert len(ids) == len(set(ids)) >= told
        for number in range(int(line)):
            assert f"{run_number}-{number}" in set(ids) if number % 97 == 0 else True
    assert collector.count("killed") >= told


def test_p20_late_events(collector: Collector) -> None:
    ended = run(
        """
        import atexit, sys

        def late():
            # This runs after ours, as it was registered before.
            from event_py import ClientClosedError
            try:
                client.track("late", "atexit")
            except ClientClosedError:
                print("closed", client.stats().dropped, client.stats().stored)
            client.flush(1)
            client.close(1)
            # One that is made now is nobody's to close, and works.
            another = event_py.Client(sys.argv[1], source="shop")
            another.track("late", "another")
            another.flush(10)
            verdict, = another.send([{"category": "late", "name": "another"}])
            print(verdict.status)

        atexit.register(late)
        import event_py
        client = event_py.Client(sys.argv[1], source="shop")
        client.track("late", "in time")

        class Late:
            def __del__(self):
                try:
                    self.track("late", "del")
                except Exception as error:
                    print(type(error).__name__, self.stats().dropped)

            track, stats = client.track, client.stats

        class Module:
            late = Late()

        sys.modules["a module of its own"] = Module
        """,
        collector.url,
    )
    assert ended.stdout.splitlines()[:2] == ["closed {'closed': 1} 1", "stored"]
    assert "ClientClosedError {'closed': 2}" in ended.stdout
    assert collector.count("late", "in time") == 1
    assert collector.count("late", "another") == 2
    assert collector.count("late") == 3


@pytest.mark.parametrize(
    ("what", "spooled"),
    [("track", False), ("track", True), ("flush", False), ("flush", True), ("send", False), ("stats", False)],
)
def test_p20_threads_that_do_not_stop(collector: Collector, tmp_path: Path, what: str, spooled: bool) -> None:
    code = """
        import sys, threading, time
        import event_py
        url, what, spool = sys.argv[1:4]
        client = event_py.Client(url, source="shop", linger=0.001, **({"spool": spool} if spool else {}))
        acts = {
            "track": lambda: (client.track("daemon", "tracks", {"a": list(range(20))}), time.sleep(0.0005)),
            "flush": lambda: (client.track("daemon", "flushes"), client.flush(5)),
            "send": lambda: client.send([{"category": "daemon", "name": "sends"}]),
            "stats": lambda: client.stats(),
        }

        def work():
            while True:
                try:
                    acts[what]()
                except (event_py.EventError, TimeoutError):
                    pass

        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
        sys.exit(5)
    """
    for attempt in range(20 if os.environ.get("EVENT_TEST_LONG") else 1):
        ended = run(code, collector.url, what, tmp_path / str(attempt) if spooled else "", exits=5)
        for trouble in ("panic", "abort", "fatal", "Traceback"):
            assert trouble not in ended.stderr.lower() + ended.stderr, ended.stderr


def test_losses_are_told_once(collector: Collector) -> None:
    collector.register("order", "created", {"required": ["value"]})
    ended = run(
        """
        import sys
        from event_py import Client
        client = Client(sys.argv[1], source="shop")
        client.track("order", "created")
        client.track("order", "created", {"value": 1})
        try:
            client.track("order", "created", {"value": float("nan")})
        except ValueError:
            pass
        client.close()
        client.close()
        """,
        collector.url,
    )
    told = "of 3 events 1 was dropped (1 invalid), and 1 was refused by the collector (1 quarantined)"
    assert ended.stderr.strip() == told


def test_nothing_is_told_where_nothing_is_missing(collector: Collector) -> None:
    code = """
        import sys
        from event_py import Client
        client = Client(sys.argv[1], source="shop")
        client.track("order", "created")
    """
    assert run(code, collector.url).stderr == ""


def test_a_program_without_events_ends_at_once(nobody: str) -> None:
    code = "import sys; from event_py import Client; client = Client(sys.argv[1], source='shop')"
    alone = "import event_py"
    took = []
    for program in (alone, code):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", program, nobody], check=True)
        took.append(time.monotonic() - started)
    assert took[1] < took[0] + 1.0


def test_a_client_that_the_program_let_go_of_is_waited_for(collector: Collector) -> None:
    """It was garbage long before the end, with all that it had taken in."""
    collector.stop()
    program = start(
        """
        import sys
        from event_py import Client
        def main():
            client = Client(sys.argv[1], source="shop", exit_timeout=20, backoff=(0.05, 0.1))
            for number in range(100):
                assert client.track("exit", "let go", {"number": number})
        main()
        print("ends", flush=True)
        """,
        collector.url,
    )
    assert program.stdout is not None
    assert program.stdout.readline().strip() == "ends"
    collector.start()
    assert program.wait(30) == 0
    assert collector.count("exit", "let go") == 100
