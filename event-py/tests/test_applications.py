"""Three applications under their usual servers, and a real collector: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector import Collector

APPS = Path(__file__).parent / "apps"
ROUNDS = 200 if "EVENT_TEST_LONG" in os.environ else 10

GUNICORN = ["gunicorn", "--workers", "2", "--threads", "4", "--preload", "--bind", "127.0.0.1:{port}"]
UVICORN = ["uvicorn", "--port", "{port}", "--log-level", "warning"]

SERVERS = {
    "django": [*GUNICORN, "django_app:application"],
    "django-asgi": [*UVICORN, "django_app:asgi_application"],
    "flask": [*GUNICORN, "flask_app:create_app()"],
    "fastapi": [*UVICORN, "fastapi_app:app"],
}

ROUTE = {
    "django": "/orders/<int:number>",
    "django-asgi": "/orders/<int:number>",
    "flask": "/orders/<int:number>",
    "fastapi": "/orders/{number}",
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def get(url: str) -> int:
    request = urllib.request.Request(url, headers={"X-Visit": "visit-1", "Accept-Language": "cy"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server has ended"
        try:
            get(url)
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


@pytest.mark.parametrize("kind", SERVERS)
def test_each_request_is_one_event(kind: str, collector: Collector, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "COLLECTOR": collector.url,
        "PYTHONPATH": os.pathsep.join([str(APPS), *(path for path in sys.path if path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[kind])]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=APPS, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}/health", server)
        paths = ["/orders/7", "/orders/901", "/later/8", "/nowhere", "/broken", "/export", "/health"] * ROUNDS
        with ThreadPoolExecutor(8) as users:
            answers = Counter(users.map(lambda path: get(base + path), paths))
        assert answers == {200: 4 * ROUNDS, 404: 2 * ROUNDS, 500: ROUNDS}
        server.send_signal(signal.SIGTERM)
        # uvicorn ends by the signal that it has handled.
        assert server.wait(20) in (0, -signal.SIGTERM), (tmp_path / "server.log").read_text()
    finally:
        server.kill()
        server.wait()

    events = collector.events()
    assert len({event["id"] for event in events}) == len(events) == 8 * ROUNDS
    assert {event["source"] for event in events} == {kind.partition("-")[0]}
    own = [event for event in events if event["category"] == "order"]
    assert Counter(event["data"]["number"] for event in own) == {7: ROUNDS, 8: ROUNDS}
    requests = [event for event in events if (event["category"], event["name"]) == ("http", "request")]
    assert {event["session_id"] for event in requests} == {"visit-1"}
    assert {event["data"]["language"] for event in requests} == {"cy"}
    assert all(event["data"]["duration_ms"] > 0 for event in requests)
    order, later = ROUTE[kind], ROUTE[kind].replace("orders", "later")
    told = Counter(tuple(event["data"].get(name) for name in ("route", "status", "error")) for event in requests)
    assert told == {
        (order, 200, None): ROUNDS,
        (order, 404, None): ROUNDS,
        (later, 200, None): ROUNDS,
        (None, 404, None): ROUNDS,
        ("/broken", 500, "KeyError"): ROUNDS,
        ("/export", 200, None): ROUNDS,
    }
    assert "customer" not in str(events)
