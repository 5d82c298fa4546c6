"""The scripts in `examples/python`, run as whoever copies them runs them."""

from __future__ import annotations

import subprocess
import sys

from collector import WORKSPACE, Collector

SCRIPTS = WORKSPACE / "examples" / "python"


def test_a_visit_is_sent(collector: Collector) -> None:
    command = [sys.executable, str(SCRIPTS / "the_eye.py"), collector.url]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("3 stored: ")
    assert sorted(event["name"] for event in collector.events()) == ["cta click", "pageview", "submit"]
    assert len({event["session_id"] for event in collector.events()}) == 1
