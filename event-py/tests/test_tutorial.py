"""Every example of docs/python.md runs, and prints what stands below it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector import Collector

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def test_every_example_of_the_page_runs(
    collector: Collector,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    collector.register("order", "created", {})
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 5
    names: dict[str, object] = {"__name__": "tutorial"}
    for code, printed in blocks:
        exec(compile(code.replace("http://127.0.0.1:8000", collector.url), str(PAGE), "exec"), names)
        assert capsys.readouterr().out == printed, code
    assert collector.count("order") == 72
    assert (tmp_path / "orders.png").read_bytes().startswith(b"\x89PNG")


def test_the_first_example_is_ten_lines_and_its_imports() -> None:
    first = BLOCK.findall(PAGE.read_text(encoding="utf-8"))[0][0]
    assert len([line for line in first.splitlines() if line and "import" not in line]) == 10
