"""Whatever starts processes for Python, P10: all events are delivered, also by those that end without `atexit`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from urllib.request import urlopen

import pytest

from collector import Collector
from script import environment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

WORKERS = """
    import concurrent.futures, multiprocessing, sys
    {early}
    url, method, category = sys.argv[1:4]
    client = None

    def work(number):
        global client
        if client is None:
            import event_py
            client = event_py.Client(url, source="shop", linger=10)
        assert client.track(category, "worked", {{"number": number}})

    if __name__ == "__main__":
        multiprocessing.set_start_method(method)
        {given}
        children = [multiprocessing.Process(target=work, args=(number,)) for number in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join(30)
            assert child.exitcode == 0, child
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            list(pool.map(work, range(10)))
        with multiprocessing.Pool(2) as pool:
            pool.map(work, range(10))
            pool.close()
            pool.join()
"""


@pytest.mark.parametrize("given", ["", "work(0)"], ids=["fresh", "inherited"])
@pytest.mark.parametrize("early", ["", "import event_py"], ids=["late", "early"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_p10_multiprocessing(shared_collector: Collector, tmp_path: Path, method: str, early: str, given: str) -> None:
    category = f"{method}-{'early' if early else 'late'}-{'inherited' if given else 'fresh'}"
    # Children that are spawned import the program anew.
    program = tmp_path / "workers.py"
    program.write_text(dedent(WORKERS).format(early=early, given=given))
    subprocess.run(
        [sys.executable, program, shared_collector.url, method, category], check=True, env=environment(), timeout=60
    )
    assert shared_collector.count(category) == 24 + bool(given)


CELERY = """
    import os
    from celery import Celery
    import event_py

    app = Celery("shop", broker="filesystem://")
    folder = os.environ["BROKER"]
    app.conf.update(
        broker_transport_options={"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder},
        worker_prefetch_multiplier=1,
    )
    # Made before the pool forks.
    client = event_py.Client(os.environ["COLLECTOR"], source="shop", linger=60)
    client.track("celery", "started")

    @app.task
    def work(number):
        assert client.track("celery", "worked", {"number": number})
        open(os.path.join(os.environ["DONE"], str(number)), "w").close()
"""


def test_p10_celery_prefork(shared_collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(dedent(CELERY))
    for folder in ("broker", "done"):
        (tmp_path / folder).mkdir()
    settings = {
        **environment(),
        "BROKER": str(tmp_path / "broker"),
        "DONE": str(tmp_path / "done"),
        "COLLECTOR": shared_collector.url,
    }
    settings["PYTHONPATH"] += os.pathsep + str(tmp_path)
    arguments = ["-A", "shop", "worker", "--pool", "prefork", "--concurrency", "2", "-l", "warning"]
    log = (tmp_path / "celery.log").open("w+")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", *arguments, "--without-mingle", "--without-gossip"],
        env=settings,
        cwd=tmp_path,
        stdout=log,
        stderr=log,
    )
    try:
        send = "import shop\nfor number in range(20): shop.work.delay(number)\nshop.client.close()"
        subprocess.run([sys.executable, "-c", send], check=True, env=settings, cwd=tmp_path, timeout=60)
        until(lambda: len(os.listdir(tmp_path / "done")) == 20)
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    finally:
        worker.kill()
        worker.wait()
    log.seek(0)
    # The program that sends the tasks has started, too.
    assert shared_collector.count("celery", "started") == 2, log.read()
    assert shared_collector.count("celery", "worked") == 20, log.read()


GUNICORN = """
    import os
    import time
    import event_py

    client = event_py.Client(os.environ["COLLECTOR"], source="shop", linger=60)
    client.track("gunicorn", "loaded")

    def application(environ, start_response):
        # While one worker is busy others have their turn.
        time.sleep(0.02)
        assert client.track("gunicorn", "asked", {"worker": os.getpid()})
        start_response("200 OK", [])
        return [str(os.getpid()).encode()]
"""


def ask(address: str) -> bytes:
    with urlopen(f"http://{address}/", timeout=10) as answer:
        told: bytes = answer.read()
        return told


def test_p10_gunicorn_preload(shared_collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(dedent(GUNICORN))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = ["--preload", "--workers", "4", "--bind", address, "--chdir", str(tmp_path), "--no-control-socket"]
    log = (tmp_path / "gunicorn.log").open("w+")
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments, "web:application"],
        env={**environment(), "COLLECTOR": shared_collector.url},
        stdout=log,
        stderr=log,
    )
    asked, workers = 0, set[bytes]()
    try:
        until(lambda: listens(address))
        # Until each of the four has answered, and some more.
        while asked < 200 and (len(workers) < 4 or asked < 40):
            with ThreadPoolExecutor(8) as several:
                workers.update(several.map(ask, [address] * 8))
            asked += 8
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    finally:
        server.kill()
        server.wait()
    log.seek(0)
    assert len(workers) == 4, log.read()
    assert shared_collector.count("gunicorn", "loaded") == 1, log.read()
    assert shared_collector.count("gunicorn", "asked") == asked, log.read()


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds, but not for ever."""
    ends = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.05)


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
