"""Log records as events."""

from __future__ import annotations

import logging
import logging.config
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from event_py import Client, ConfigError
from event_py.logging import EventHandler
from event_py.testing import Collected, collecting

GIVEN: Client


@pytest.fixture
def sent() -> Iterator[tuple[Client, Collected]]:
    client, collected = collecting()
    yield client, collected
    collected.behave()
    client.close()


@pytest.fixture
def logger(sent: tuple[Client, Collected]) -> logging.Logger:
    # Outside the tree of loggers, as the handlers of pytest ask the same records, and raise.
    logger = logging.Logger("shop.orders")
    logger.addHandler(EventHandler(sent[0], level="INFO"))
    return logger


def test_a_record_is_an_event(logger: logging.Logger, sent: tuple[Client, Collected]) -> None:
    logger.debug("not told")
    logger.warning("only %d left of %s", 3, "A-7", extra={"article": "A-7"})
    data = sent[1].assert_one("log", "warning")["data"]
    line = data.pop("line")
    assert data == {
        "logger": "shop.orders",
        "level": 30,
        "message": "only 3 left of A-7",
        "module": "test_logging",
        "function": "test_a_record_is_an_event",
        "extra": {"article": "A-7"},
    }
    assert line > 0
    assert len(sent[1].events()) == 1


def test_an_exception_is_told_with_the_end_of_its_traceback(
    logger: logging.Logger, sent: tuple[Client, Collected]
) -> None:
    def deep(depth: int) -> None:
        if depth == 0:
            raise LookupError("the cause" + "x" * 5_000)
        # Two functions in turn, as the repetition of one is not written out.
        (deep if depth % 2 else deeper)(depth - 1)

    def deeper(depth: int) -> None:
        deep(depth)

    try:
        deep(200)
    except LookupError:
        logger.exception("failed")
    data = sent[1].assert_one("log", "error")["data"]
    assert data["error"] == "LookupError"
    assert len(data["traceback"]) == 8_192
    assert data["traceback"].endswith("x\n")


def test_only_json_is_taken_of_extra(logger: logging.Logger, sent: tuple[Client, Collected]) -> None:
    endless: list[Any] = []
    endless.append(endless)
    told = {"number": 1, "text": "a\0b\ud800", "list": [1, (2.5, None)], "dict": {"a": True, "b": object()}}
    untold = {"object": object(), "nan": float("nan"), "huge": 2**63, "bytes": b"", "endless": endless}
    logger.info("x", extra={**told, **untold, **{f"m{number}": number for number in range(100)}})
    extra = sent[1].assert_one("log", "info")["data"]["extra"]
    assert {name: extra[name] for name in told} == {
        "number": 1,
        "text": "a\ufffdb?",
        "list": [1, [2.5, None]],
        "dict": {"a": True},
    }
    assert not untold.keys() & extra.keys()
    assert len(extra) == 64


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"m": [[0] * 64] * 64}, {"extra_left_out": "too_many_nodes"}),
        ({"m": ["é" * 8_000] * 40}, {"extra_left_out": "event_too_large"}),
        ({"ключ" * 20: 1, "\0" * 100: 1, "m": 1}, {"extra": {"m": 1}}),
        ({"m": {"é" * 65: 1, "é" * 64: 2}}, {"extra": {"m": {"é" * 64: 2}}}),
    ],
)
def test_what_goes_with_a_record_does_not_lose_it(
    logger: logging.Logger, sent: tuple[Client, Collected], extra: dict[str, Any], told: dict[str, Any]
) -> None:
    logger.warning("x", extra=extra)
    data = sent[1].assert_one("log", "warning", message="x")["data"]
    assert {name: data[name] for name in data if name.startswith("extra")} == told


def test_whatever_is_logged_can_be_written(logger: logging.Logger, sent: tuple[Client, Collected]) -> None:
    logging.addLevelName(35, " \0\ud800" + "x" * 200)
    logger.log(35, "\0\ud800" + "y" * 100_000)
    logging.addLevelName(36, "  ")
    logger.log(36, "")
    first, second = sent[1].events()
    assert len(first["name"]) <= 100
    assert len(first["data"]["message"]) == 8_192
    assert second["name"] == "unnamed"


def test_nothing_is_raised_into_the_application(
    logger: logging.Logger, sent: tuple[Client, Collected], capsys: pytest.CaptureFixture[str]
) -> None:
    logger.info("%d", "no number")
    assert "TypeError" in capsys.readouterr().err
    logging.raiseExceptions = False
    try:
        logger.info("%d", "no number")
    finally:
        logging.raiseExceptions = True
    assert capsys.readouterr().err == ""


def test_what_comes_after_the_end_is_counted_and_not_complained_of(
    logger: logging.Logger, sent: tuple[Client, Collected], capsys: pytest.CaptureFixture[str]
) -> None:
    sent[0].close()
    logger.info("late", extra={"article": "A-7"})
    assert capsys.readouterr().err == ""
    assert sum(sent[0].stats().dropped.values()) == 1


def test_nothing_goes_round_in_circles(logger: logging.Logger, sent: tuple[Client, Collected]) -> None:
    class Chatty:
        def __str__(self) -> str:
            logger.info("asked for its name")
            return "chatty"

    logger.info("%s", Chatty())
    for name in ("event_py", "event_py.request"):
        ours = logging.Logger(name)
        ours.addHandler(logger.handlers[0])
        ours.warning("of the client itself")
    assert [event["data"]["message"] for event in sent[1].events()] == ["chatty"]


def test_threads_log_side_by_side(logger: logging.Logger, sent: tuple[Client, Collected]) -> None:
    def work() -> None:
        for number in range(100):
            logger.info("%d", number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent[1].assert_count("log", "info", 400)) == 400


def test_flush_waits_for_the_events_and_never_raises(sent: tuple[Client, Collected]) -> None:
    client, collected = sent
    handler = EventHandler(client)
    handler.handle(logging.makeLogRecord({"msg": "first", "levelname": "INFO"}))
    handler.flush()
    assert client.stats().stored == 1
    collected.go_down()
    handler.handle(logging.makeLogRecord({"msg": "second", "levelname": "INFO"}))
    began = time.monotonic()
    handler.flush(timeout=0.05)
    assert time.monotonic() - began < 2
    assert client.stats().waiting == 1


def test_a_session_may_be_known(sent: tuple[Client, Collected]) -> None:
    handler = EventHandler(sent[0], session_id=lambda record: getattr(record, "visit", None))
    handler.handle(logging.makeLogRecord({"msg": "x", "levelname": "INFO", "visit": "visit-1"}))
    event = sent[1].assert_one("log", "info")
    assert event["session_id"] == "visit-1"
    assert event["data"] == {"line": 0, "message": "x", "module": "", "extra": {"visit": "visit-1"}}


def test_a_client_or_its_settings_are_needed() -> None:
    handler: Callable[..., EventHandler] = EventHandler
    with pytest.raises(ConfigError):
        handler()
    with pytest.raises(ConfigError):
        handler(url="http://127.0.0.1:1")
    with pytest.raises(ConfigError):
        handler(url="nonsense", source="shop")
    client, _ = collecting()
    with pytest.raises(ConfigError):
        handler(client, url="http://127.0.0.1:1", source="shop")


def test_it_is_part_of_a_configuration(sent: tuple[Client, Collected]) -> None:
    global GIVEN
    GIVEN = sent[0]
    handler = {"class": "event_py.logging.EventHandler", "level": "ERROR", "client": f"ext://{__name__}.GIVEN"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"events": handler},
            "loggers": {"shop.configured": {"handlers": ["events"]}},
        }
    )
    logger = logging.getLogger("shop.configured")
    logger.warning("not told")
    logger.error("told")
    logger.handlers.clear()
    assert [event["data"]["message"] for event in sent[1].events()] == ["told"]


END = """
import logging
from event_py.logging import EventHandler
handler = EventHandler(url="http://127.0.0.1:1", source="shop")
logging.getLogger().addHandler(handler)
logging.warning("the collector is not there")
"""


def test_the_end_of_the_program_is_waited_for_only_once() -> None:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", END],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert time.monotonic() - began < 3


AFTER = """
import atexit
def late():
    logging.warning("late")
    lazy.client()
    print(lazy.client() is made[-1], sum(made[-1].stats().dropped.values()))
    print(len(made))
atexit.register(late)
import logging
import event_py.request
from event_py.logging import EventHandler
made = []
class Counted(event_py.request.Client):
    def __new__(cls, *arguments, **settings):
        made.append(super().__new__(cls, *arguments, **settings))
        return made[-1]
event_py.request.Client = Counted
handler = EventHandler(url="http://127.0.0.1:1", source="shop", exit_timeout=0)
logging.getLogger().addHandler(handler)
lazy = handler._lazy
handler.close()
handler.flush()
print(len(made))
"""


def test_no_client_is_made_to_flush_nothing_nor_at_the_end_of_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", AFTER],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ended.stdout.split(), ended.stderr) == (["1", "True", "1", "1"], "")
