"""What every wheel can do, whatever it was built for: run by itself, without pytest, where the wheel is made.

python smoke.py [--free-threaded]
"""

from __future__ import annotations

import sys
from threading import Thread

import event_py
from event_py.testing import collecting


def once() -> None:
    """An event is taken, sent and counted; what is no event is refused, and says where."""
    client, collected = collecting()
    with client:
        assert client.track("order", "created", {"value": 12.5})
        try:
            client.track("order", "created", {"value": float("nan")})
        except event_py.ValidationError as error:
            assert error.code == "non_finite_number", error.code
        else:
            raise AssertionError("nan was taken")
        client.flush()
        assert client.stats().stored == len(collected.json()) == 1, client.stats()


def from_threads(threads: int = 8, events: int = 10_000) -> None:
    """Many threads at once: every event is taken, and counted once."""
    client, collected = collecting(queue_events=threads * events)

    def work() -> None:
        for number in range(events):
            client.track("order", "created", {"number": number})

    running = [Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    client.flush(120)
    assert client.stats().offered == client.stats().stored == len(collected.json()) == threads * events, client.stats()


if __name__ == "__main__":
    once()
    if "--free-threaded" in sys.argv:
        # Importing a module that is not made for it would switch the lock on.
        assert not getattr(sys, "_is_gil_enabled", lambda: True)(), "the interpreter's lock is on"
        from_threads()
    print("event_py works on Python", sys.version)
