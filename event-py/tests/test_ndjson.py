from __future__ import annotations

import gzip
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from event_py import LineError, Registry


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.register("n", "n", {"properties": {"n": {"type": "integer"}}})
    return registry


def line(number: object, pad: int = 0) -> bytes:
    return json.dumps({"category": "n", "name": "n", "data": {"n": number, "pad": "x" * pad}}).encode()


def test_lines_are_counted_and_their_errors_told(registry: Registry, tmp_path: Path) -> None:
    text = b"\n".join([line(1), b"", line("x") + b"\r", b"{", line(2), b"  ", line(None)]) + b"\n"
    path = tmp_path / "events.ndjson"
    path.write_bytes(text)
    packed = io.BytesIO(gzip.compress(text))
    for source in (text, text[:-1], text.decode(), path, io.BytesIO(text), path.open("rb"), gzip.open(packed)):
        report = registry.validate_ndjson(source)  # type: ignore[arg-type]
        assert (report.lines, report.valid, report.invalid, report.warned) == (7, 2, 3, 0)
        assert report.codes == {"schema_violation": 2, "malformed_json": 1}
        assert [(error.line, error.code) for error in report.errors] == [
            (3, "schema_violation"),
            (4, "malformed_json"),
            (7, "schema_violation"),
        ]
        assert isinstance(report.errors[0], LineError)
        assert report.errors[0].violations == [("/n", "type", "integer", 'the value is not of type "integer"')]


def test_nothing_has_no_lines(registry: Registry) -> None:
    for source in (b"", io.BytesIO()):
        assert repr(registry.validate_ndjson(source)) == "Report(valid=0, invalid=0, codes={})"


def test_many_chunks_are_one(registry: Registry, tmp_path: Path) -> None:
    bad = set(range(7, 60_000, 997))
    text = b"".join(line("x" if number in bad else number, 150) + b"\n" for number in range(60_000))
    assert len(text) > 2 * 4 * 2**20
    path = tmp_path / "events.ndjson"
    path.write_bytes(text)
    seen: list[int] = []
    for source in (text, io.BytesIO(text), path):
        report = registry.validate_ndjson(source, max_errors=20, progress=seen.append)
        assert (report.lines, report.valid, report.invalid) == (60_000, 60_000 - len(bad), len(bad))
        assert [error.line for error in report.errors] == [number + 1 for number in sorted(bad)][:20]
    assert len(seen) >= 9 and seen.count(60_000) == 3 and seen[-1] == 60_000


def test_a_line_without_end_needs_no_memory(registry: Registry, tmp_path: Path) -> None:
    long = 9 << 20
    text = line(1) + b"\n" + b"x" * long + b"\n" + line("x") + b"\n"
    path = tmp_path / "events.ndjson"
    path.write_bytes(text)
    of_bytes, of_file = registry.validate_ndjson(text), registry.validate_ndjson(io.BytesIO(text))
    assert of_bytes.errors == of_file.errors == registry.validate_ndjson(path).errors
    assert [(error.line, error.code) for error in of_file.errors] == [(2, "event_too_large"), (3, "schema_violation")]
    assert str(long) in of_file.errors[0].violations[0].message
    assert registry.validate_ndjson(io.BytesIO(b"x" * long)).codes == {"event_too_large": 1}


def test_what_the_caller_raises_ends_it(registry: Registry) -> None:
    def progress(lines: int) -> None:
        raise KeyError(lines)

    with pytest.raises(KeyError):
        registry.validate_ndjson(line(1), progress=progress)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.ndjson"):
        registry.validate_ndjson(Path("/nowhere.ndjson"))
    with pytest.raises(OSError):
        registry.validate_ndjson(Path("/"))
    with pytest.raises(TypeError, match="binary"):
        registry.validate_ndjson(io.StringIO("{}"))  # type: ignore[arg-type]
    wrong: Any = 5
    with pytest.raises(TypeError):
        registry.validate_ndjson(wrong)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in a folder")
def test_a_pipe_is_read_while_another_thread_writes(registry: Registry, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(line(1) + b"\n" + line("x"),))
    writer.start()
    report = registry.validate_ndjson(pipe)
    writer.join()
    assert (report.valid, report.invalid) == (1, 1)


def test_warnings_are_counted() -> None:
    registry = Registry()
    registry.register("n", "n", False, on_violation="warn")
    report = registry.validate_ndjson(line(1))
    assert (report.valid, report.warned, report.invalid) == (1, 1, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_child_can_do_it_too(registry: Registry) -> None:
    text = (line(1, 1000) + b"\n") * 1000
    assert registry.validate_ndjson(text).valid == 1000
    child = os.fork()
    if child == 0:
        os._exit(0 if registry.validate_ndjson(text).valid == 1000 else 1)
    assert os.waitpid(child, 0)[1] == 0
