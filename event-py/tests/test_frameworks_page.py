"""The examples of docs/python-frameworks.md: each is run as it stands there, but for the collector's address."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from collector import Collector

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python-frameworks.md"
EXAMPLES = {
    code.split()[1].rstrip(":"): code for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
}

WSGI = """
from werkzeug.test import Client
assert Client({application}).get("/orders/7").text == "ok"
"""
ASGI = """
import asyncio
from httpx import ASGITransport, AsyncClient
async def ask():
    async with AsyncClient(transport=ASGITransport({application}), base_url="http://shop") as client:
        assert "ok" in (await client.get("/orders/7")).text
asyncio.run(ask())
"""
CELERY = """
from celery.contrib.testing.worker import start_worker
import celery_shop
with start_worker(celery_shop.app, perform_ping_check=False):
    celery_shop.pack.delay(7).get(timeout=10)
"""
USES = {
    "django_shop.py": "import django_shop" + WSGI.format(application="django_shop.application"),
    "asgi.py": "import asgi" + ASGI.format(application="asgi.application"),
    "flask_shop.py": "import flask_shop" + WSGI.format(application="flask_shop.create_app()"),
    "fastapi_shop.py": "import fastapi_shop" + ASGI.format(application="fastapi_shop.app"),
    "logging_shop.py": "import logging_shop",
    "celery_shop.py": CELERY,
    "test_shop.py": "import pytest\nassert pytest.main(['-q', '-p', 'pytest_event_py', 'test_shop.py']) == 0",
}
SENT = {
    "logging_shop.py": {("log", "warning"): 1},
    "celery_shop.py": {("order", "packed"): 1, ("task", "ended"): 1},
    "test_shop.py": {},
}
WEB = {("order", "viewed"): 1, ("http", "request"): 1}


def test_each_example_is_used() -> None:
    assert EXAMPLES.keys() == USES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, tmp_path: Path, collector: Collector) -> None:
    for file, code in EXAMPLES.items():
        (tmp_path / file).write_text(code.replace("http://127.0.0.1:8000", collector.url))
    paths = [str(tmp_path), *(os.path.abspath(path) for path in sys.path if path)]
    ran = subprocess.run(
        [sys.executable, "-c", USES[name]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told: dict[tuple[str, str], int] = {}
    for event in collector.events():
        kind = event["category"], event["name"]
        told[kind] = told.get(kind, 0) + 1
    assert told == SENT.get(name, WEB)
