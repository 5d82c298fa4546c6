"""Ctrl-C, P14: whoever waits for the client hears it soon."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from event_py import Client

# A loaded machine may be slow to wake anybody; what waits for its own end would take ten seconds.
SOON = 0.2 if os.environ.get("EVENT_TEST_QUIET") else 1.0
EVENT = {"category": "order", "name": "created"}
WAITS: dict[str, Callable[[Client], object]] = {
    "flush": lambda client: client.flush(10),
    "close": lambda client: client.close(10),
    "send": lambda client: client.send([EVENT]),
    "query": lambda client: client.query(),
}


@pytest.fixture
def client() -> Iterator[Client]:
    """A client whose collector takes whatever comes, and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = Client(url, source="shop", send_timeout=10, exit_timeout=0)
        client.track("order", "created")
        yield client
        client.__exit__(LookupError)


@pytest.mark.parametrize("wait", WAITS)
def test_p14_ctrl_c(client: Client, wait: str) -> None:
    sent = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        WAITS[wait](client)
    took = time.monotonic() - sent[0]
    timer.join()
    assert took <= SOON, took
    # The client goes on, but for one that is closing.
    assert client.stats().offered >= 1
    if wait != "close":
        assert client.track("order", "created")


def test_a_handler_that_raises_nothing_does_not_end_the_wait(client: Client) -> None:
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic()))
    try:
        started = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError):
            client.flush(0.5)
        assert time.monotonic() - started >= 0.5
        assert heard[0] - started < 0.4
    finally:
        signal.signal(signal.SIGALRM, before)
