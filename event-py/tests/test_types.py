"""What the package says of its types is true, and enough for those who check strictly.

These are tests, and no part of `cargo xtask lint`: they look at the package as it is installed, which it is here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = PROJECT / "python"
PACKAGES = [str(place.parent) for place in sorted(SOURCES.glob("*/py.typed"))]
EXAMPLES = PROJECT / "tests" / "typing_examples.py"

# A stub for each noun: natively they are all one module. It lists its names by itself; the stub does it by `as`.
ONE_MODULE = "\n".join(
    rf"event_py\._native\.{'__all__' if stub.stem == '__init__' else stub.stem}"
    for stub in SOURCES.glob("event_py/_native/*.pyi")
)


def run(place: Path, module: str, *arguments: str) -> str:
    """What a tool says that is run in a folder; the test fails where it complains."""
    pytest.importorskip(module.partition(".")[0])
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_stubs_say_what_the_native_module_is(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text(ONE_MODULE)
    run(tmp_path, "mypy.stubtest", "event_py._native", "--allowlist", str(allowed), "--ignore-disjoint-bases")


def test_mypy_finds_nothing(tmp_path: Path) -> None:
    configuration = str(PROJECT / "pyproject.toml")
    run(tmp_path, "mypy", "--config-file", configuration, "--strict", *PACKAGES, str(EXAMPLES))


def test_pyright_finds_nothing(tmp_path: Path) -> None:
    settings = {
        # It passes over paths that are not relative, and then finds nothing in nothing.
        "include": [os.path.relpath(path, tmp_path) for path in [*PACKAGES, EXAMPLES]],
        "extraPaths": [str(SOURCES)],
        "pythonVersion": "3.10",
        "typeCheckingMode": "strict",
        # Its source is native.
        "reportMissingModuleSource": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    pytest.importorskip("pyright")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    said = json.loads(done.stdout)
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}" for one in said["generalDiagnostics"]
    ]
    assert not found, "\n".join(found)
    stubs = [path for package in PACKAGES for path in Path(package).rglob("*.py*") if path.suffix in {".py", ".pyi"}]
    assert said["summary"]["filesAnalyzed"] == len(stubs) + 1


@pytest.mark.parametrize(
    "arguments", [["check", "--no-cache"], ["format", "--check", "--no-cache"]], ids=lambda a: a[0]
)
def test_the_code_looks_as_if_one_hand_wrote_it(arguments: list[str]) -> None:
    # There, because paths in its settings are seen from where it runs.
    run(PROJECT, "ruff", *arguments, ".")
