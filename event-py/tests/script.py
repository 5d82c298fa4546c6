"""Python programs that tests run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import event_py

__all__ = ["environment", "run", "start"]


def environment() -> dict[str, str]:
    """The environment with the very `event_py` that is tested."""
    package = str(Path(event_py.__file__).resolve().parents[1])
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, path] if path else [package])}


def start(code: str, *arguments: object, python: str = sys.executable) -> subprocess.Popen[str]:
    """Starts a program; it finds the arguments in `sys.argv[1:]`."""
    return subprocess.Popen(
        [python, "-c", dedent(code), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def run(code: str, *arguments: object, exits: int = 0, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, which has to be this one."""
    with start(code, *arguments) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == exits, f"it ended with {process.returncode}:\n{output}{errors}"
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
