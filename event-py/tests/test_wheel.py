"""What is installed is whole, and light; further Pythons on this machine load the same file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import event_py

PROJECT = Path(__file__).resolve().parents[1]
# Free-threaded Pythons, and those before 3.10, have wheels of their own or none.
FURTHER = [f"3.{minor}" for minor in (10, 11, 12, 13, 14) if (3, minor) != sys.version_info[:2]]

SMOKE = """
import sys
import event_py
from event_py.testing import collecting
client, collected = collecting()
assert client.track("order", "created", {"value": 12.5})
client.flush()
assert client.stats().stored == 1, client.stats()
assert len(collected.json()) == 1
print(sys.version_info[:2])
"""


def installed() -> Path:
    """The folder that the wheel was unpacked to; skipped where the sources themselves are imported."""
    package = Path(event_py.__file__).parent
    if package.is_relative_to(PROJECT):
        pytest.skip("event_py is imported from its sources, not from a wheel")
    return package.parent


def test_every_source_is_in_the_wheel() -> None:
    place = installed()
    sources = [path for path in (PROJECT / "python").rglob("*") if path.suffix in {".py", ".pyi", ".typed"}]
    assert len(sources) >= 10
    missing = [str(path) for path in sources if not (place / path.relative_to(PROJECT / "python")).exists()]
    assert not missing


def test_the_wheel_carries_its_licences() -> None:
    installed()
    try:
        metadata = distribution("event-py")
    except PackageNotFoundError:
        pytest.skip("event-py was not installed by pip")
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        (found,) = [path for path in metadata.files or [] if path.name == name]
        text = Path(str(found.locate())).read_bytes()
        assert text == (PROJECT / name).read_bytes() == (PROJECT.parent / name).read_bytes()
    assert metadata.metadata["License-Expression"] == "MIT OR Apache-2.0"


def test_importing_it_imports_the_standard_library_alone() -> None:
    question = "import sys; before = set(sys.modules); import event_py; print(*sorted(set(sys.modules) - before))"
    # Isolated, without `site`: what the environment loads by itself is not ours.
    path = f"import sys; sys.path.insert(0, {str(Path(event_py.__file__).parents[1])!r}); "
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", path + question], capture_output=True, text=True, check=True
    )
    roots = {module.partition(".")[0] for module in done.stdout.split()}
    assert roots - sys.stdlib_module_names == {"event_py"}


def interpreter(version: str) -> str | None:
    """A Python of that version: by its name, or among those that pyenv keeps."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [f"python{version}", *map(str, pyenv.glob(f"versions/{version}.*/bin/python{version}"))]
    for candidate in candidates:
        program = shutil.which(candidate)
        if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
            return program
    return None


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="a free-threaded Python has its own wheel"
)
@pytest.mark.parametrize("version", FURTHER)
def test_other_pythons_load_the_same_wheel(version: str, tmp_path: Path) -> None:
    place = installed()
    program = interpreter(version)
    if program is None:
        pytest.skip(f"no Python {version} on this machine")
    # Alone: what is installed beside it is for this Python.
    shutil.copytree(place / "event_py", tmp_path / "event_py")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([program, "-c", SMOKE], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tuple(map(int, version.split("."))))
