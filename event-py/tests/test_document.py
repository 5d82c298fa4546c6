"""What schemathesis finds: it makes up requests from the collector's own document, and holds the answers to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from collector import OPENER, Collector

# What must hold of whatever is asked: no answer of 5xx, and none that the document does not know.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
LONG = bool(os.environ.get("EVENT_TEST_LONG"))
# The requests for the edges of every schema, some thousands, are made in both.
EXAMPLES = 400 if LONG else 1
REQUESTS = 20_000 if LONG else 2_000


@pytest.mark.timeout(2_400 if LONG else 240)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    # Quickly, so that what waits for the database does not count as a defect of the collector.
    collector = Collector(tmp_path, "--database-timeout", "10s", "--log-level", "warn")
    collector.start()
    try:
        register(collector)
        # Without one, the first key that a request makes would shut out all that come after it.
        key = collector.key(None)
        known(collector, key)
        report = tmp_path / "report.json"
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{collector.url}/openapi.json", "--no-color"]
        options = {
            "--checks": ",".join(CHECKS),
            "--max-examples": str(EXAMPLES),
            # An answer without an end, which it would wait for.
            "--exclude-path": "/v1/events/follow",
            "--phases": "examples,coverage,fuzzing" + (",stateful" if LONG else ""),
            "--report-json-path": str(report),
            "--seed": "7",
            "--header": f"Authorization: Bearer {key}",
            "--warnings": "off",
        }
        arguments = [part for option in options.items() for part in option]
        run = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
        assert generated(run.stdout) >= REQUESTS, run.stdout[-3_000:]
        # It still does what it is for.
        assert collector.request("GET", "/health/ready") == {"status": "ready"}
        told = statuses(collector, collector.key(None))
        assert told.total() >= REQUESTS, told
        # Requests without a key are made up, too; most have the one that is good.
        assert told["401"] < told.total() / 4, told
        assert "panicked" not in (tmp_path / "collector.log").read_text()
    finally:
        collector.stop()


def register(collector: Collector) -> None:
    """Something to find: a type, an event, a refused one."""
    collector.register("order", "created", {"required": ["total"]})
    events = [{"id": "1", "data": {"total": 1}, "session_id": "s", "subject": "ann"}, {"id": "2"}]
    lines = (json.dumps({"category": "order", "name": "created", **event}) for event in events)
    statuses = [verdict["status"] for verdict in collector.send("\n".join(lines).encode())]
    assert statuses == ["stored", "quarantined"]


def known(collector: Collector, key: str) -> None:
    """Waits until it knows of a key, which takes up to five seconds."""
    for _ in range(120):
        try:
            collector.request("GET", "/v1/types", key=key)
        except HTTPError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("it does not know the key")


def statuses(collector: Collector, key: str) -> Counter[str]:
    """How many of its answers had which status, as it has counted them."""
    known(collector, key)
    request = Request(f"{collector.url}/metrics", headers={"Authorization": f"Bearer {key}"})
    with OPENER.open(request, timeout=20) as answer:
        text = answer.read().decode()
    counts: Counter[str] = Counter()
    for status, count in re.findall(r'^event_http_requests_total\{.*status="(\d+)"\} (\d+)', text, re.MULTILINE):
        counts[status] += int(count)
    return counts


def generated(output: str) -> int:
    """How many requests it says that it has made."""
    for line in output.splitlines():
        count, _, rest = line.strip().partition(" generated, ")
        if rest:
            return int(count)
    return 0
