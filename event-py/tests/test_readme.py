"""What the documents show of Python is run as it stands, against a collector."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector import Collector

PROJECT = Path(__file__).resolve().parents[1]
PAGES = {"event-py": PROJECT / "README.md", "the workspace": PROJECT.parent / "README.md"}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGES[page].read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, "no example is there any more"
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        # The address that the pages give to a collector on the reader's machine.
        code = block.group(1).replace("http://127.0.0.1:8000", collector.url)
        # So that what fails is told with its line on the page.
        before = "\n" * text[: block.start(1)].count("\n")
        exec(compile(before + code, str(PAGES[page]), "exec"), names)
