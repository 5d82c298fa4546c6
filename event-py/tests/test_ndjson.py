from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
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


class Given(io.RawIOBase):
    """A file that gives what it was told to, whatever it is asked for."""

    def __init__(self, chunks: list[Any]) -> None:
        self.chunks = chunks

    def read(self, size: int = -1) -> Any:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk


def test_files_may_give_less_or_more_than_they_are_asked_for(registry: Registry) -> None:
    text = b"\n".join([line(1), line("x"), b"", line(2)])
    for size in (1, 7, len(text) - 1):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        report = registry.validate_ndjson(Given(chunks))  # type: ignore[arg-type]
        assert (report.lines, report.valid, [error.line for error in report.errors]) == (4, 2, [2])
    many = (line(1, 300) + b"\n") * 2_000 + line("x") + b"\n"
    report = registry.validate_ndjson(Given([many, many]))  # type: ignore[arg-type]
    assert (report.valid, [error.line for error in report.errors]) == (4_000, [2_001, 4_002])
    for wrong in (None, "text", bytearray(b"{}")):
        with pytest.raises(TypeError, match="binary"):
            registry.validate_ndjson(Given([many[: 128 << 10], many[: 128 << 10], wrong]))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        registry.validate_ndjson(Given([many[: 128 << 10], many[: 128 << 10], KeyError()]))  # type: ignore[arg-type]


def test_lines_that_are_too_long_are_lines(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    long = b"x" * (600 << 10)
    for end in (b"", b"\n", b"\n" + line(1), b"\n" + line(1) + b"\n"):
        path.write_bytes(line(1) + b"\n" + long + b"\n" + long + b"x\n" + line("x") + b"\n" + long + end)
        for source in (path, path.open("rb"), path.read_bytes()):
            report = registry.validate_ndjson(source)
            assert report.codes == {"event_too_large": 3, "schema_violation": 1}
            assert [error.line for error in report.errors] == [2, 3, 4, 5]
            assert (report.lines, report.valid) == (6 if len(end) > 1 else 5, 2 if len(end) > 1 else 1)
            assert str(len(long) + 1) in report.errors[1].violations[0].message


def test_what_takes_its_time_comes_first_all_the_same(tmp_path: Path) -> None:
    registry = Registry()
    registry.register("n", "n", {"properties": {"n": {"type": "integer"}, "many": {"uniqueItems": True}}})
    slow = json.dumps({"category": "n", "name": "n", "data": {"many": [{"n": n} for n in range(500)]}}).encode() + b"\n"
    text = slow * 12 + (line("x", 200) + b"\n") * 20_000
    path = tmp_path / "events.ndjson"
    path.write_bytes(text)
    for source in (text, path):
        report = registry.validate_ndjson(source, max_errors=5)
        assert (report.valid, report.invalid, [error.line for error in report.errors]) == (
            12,
            20_000,
            [13, 14, 15, 16, 17],
        )


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to have a single core")
def test_one_core_does(registry: Registry) -> None:
    cores = os.sched_getaffinity(0)
    text = (line(1, 200) + b"\n") * 5_000 + line("x")
    os.sched_setaffinity(0, {min(cores)})
    try:
        report = registry.validate_ndjson(text)
    finally:
        os.sched_setaffinity(0, cores)
    assert (report.valid, [error.line for error in report.errors]) == (5_000, [5_001])


@pytest.mark.skipif(sys.platform == "win32", reason="no such files, and no such signals")
@pytest.mark.parametrize("endless", ["/dev/zero", "file"])
def test_it_can_be_interrupted(endless: str, tmp_path: Path) -> None:
    path = tmp_path / "endless"
    if endless == "file":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    program = (
        "import event_py, sys\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    event_py.Registry().validate_ndjson(__import__('pathlib').Path(sys.argv[1]))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    source = str(path) if endless == "file" else endless
    child = subprocess.Popen([sys.executable, "-c", program, source], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=30)[0] == "interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in a folder")
def test_a_slow_writer_is_told_of_what_it_has_written(registry: Registry, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    told = threading.Event()

    def write() -> None:
        with pipe.open("wb") as file:
            file.write(line(1) + b"\n")
            file.flush()
            assert told.wait(20)
            file.write(line(2) + b"\n")

    writer = threading.Thread(target=write)
    writer.start()
    report = registry.validate_ndjson(pipe, progress=lambda _: told.set())
    writer.join()
    assert report.valid == 2


def test_what_is_raised_while_all_cores_are_busy_ends_it(registry: Registry) -> None:
    text = (line(1, 200) + b"\n") * 50_000

    def progress(lines: int) -> None:
        raise KeyError(lines)

    with pytest.raises(KeyError):
        registry.validate_ndjson(text, progress=progress)


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
