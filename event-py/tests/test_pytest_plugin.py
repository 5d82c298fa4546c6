"""The plugin of pytest, and what tests say of events."""

from __future__ import annotations

import os
import sys
import time

import pytest

from event_py import FlushTimeoutError
from event_py.testing import Events

pytest_plugins = ["pytester", "pytest_event_py"]


def test_the_fixture_is_a_client_and_what_it_has_sent(events: Events) -> None:
    client, collected = events
    client.track("order", "created", {"value": 12.5, "lines": [1, 2]}, subject="customer-7")
    client.track("order", "created", {"value": 13})
    client.track("order", "paid")
    assert collected.assert_one("order", "created", value=12.5, lines=[1, 2])["subject"] == "customer-7"
    collected.assert_none("order", "created", value=99)
    collected.assert_none("order", "cancelled")
    assert len(collected.assert_count("order", "created", 2)) == 2
    assert [event["name"] for event in collected.events()] == ["created", "created", "paid"]
    assert [event["data"] for event in collected.events("order", "paid")] == [{}]
    assert collected.events(category="basket") == []
    collected.clear()
    assert collected.events() == []
    assert repr(collected) == "<Collected: nothing>"


def test_what_it_shows_is_not_waited_for(events: Events) -> None:
    client, collected = events
    client.track("order", "created")
    assert len(collected.events()) == 1
    collected.answer_when(503)
    client.track("order", "paid")
    began = time.monotonic()
    assert repr(collected) == "<Collected:\n  order/created {}>"
    assert time.monotonic() - began < 1
    collected.behave()
    assert len(collected.events()) == 2


def test_a_wrong_assertion_shows_what_there_is(events: Events) -> None:
    client, collected = events
    with pytest.raises(AssertionError, match="^expected 1 of order/created, found 0; collected: nothing$"):
        collected.assert_one("order", "created")
    for value in range(25):
        client.track("order", "paid", {"value": value})
    with pytest.raises(AssertionError) as wrong:
        collected.assert_none("order", "paid")
    assert str(wrong.value).startswith('expected 0 of order/paid, found 25; collected:\n  order/paid {"value":0}\n')
    assert str(wrong.value).endswith('\n  order/paid {"value":19}\n  and 5 more')
    with pytest.raises(AssertionError, match=r"^expected 1 of order/paid with \{'value': 99\}, found 0"):
        collected.assert_one("order", "paid", value=99)


def test_a_collector_may_go_down_and_come_up(events: Events) -> None:
    client, collected = events
    collected.go_down()
    client.track("order", "created")
    collected.assert_none("order", "created")
    with pytest.raises(FlushTimeoutError):
        client.flush(timeout=0.05)
    collected.come_up()
    collected.assert_one("order", "created")


def test_a_collector_may_refuse_events(events: Events) -> None:
    client, collected = events
    collected.refuse("rejected", "schema_violation", "order", "paid")
    collected.refuse()
    client.track("order", "paid")
    client.track("order", "created")
    client.flush()
    assert (client.stats().rejected, client.stats().quarantined) == (1, 1)
    assert collected.events() == []
    with pytest.raises(ValueError, match="status"):
        collected.refuse("stored")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="code"):
        collected.refuse("rejected", "nonsense")


def test_a_collector_may_fail(events: Events) -> None:
    client, collected = events
    collected.answer_next(503)
    collected.lose_next_answer()
    client.track("order", "created")
    collected.assert_one("order", "created")
    assert collected.requests() == [1, 1, 1]
    assert client.stats().duplicate == 1


def test_a_collector_may_want_a_key(events: Events) -> None:
    client, collected = events
    collected.require_key("ev_right")
    client.track("order", "created")
    with pytest.raises(FlushTimeoutError):
        client.flush(timeout=0.05)
    client.set_key("ev_right")
    collected.assert_one("order", "created")


PLUGIN = ["-p", "pytest_event_py", "-p", "no:cacheprovider"]


@pytest.fixture(autouse=True)
def programs_find_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [os.path.abspath(path) for path in sys.path if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def test_the_client_is_closed_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from event_py import ClientClosedError

        kept = []

        def test_uses_it(events):
            kept.append(events.client)
            events.collected.go_down()
            events.client.track("order", "created")

        def test_is_after_it():
            assert kept[0].stats().waiting == 0
            with pytest.raises(ClientClosedError):
                kept[0].track("order", "created")
        """
    )
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=2)


def test_a_test_fails_readably(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_wrong(events):
            events.client.track("order", "paid", {"value": 1})
            events.collected.assert_one("order", "created")
        """
    )
    run = pytester.runpytest_subprocess(*PLUGIN)
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["E *AssertionError: expected 1 of order/created, found 0; collected:", "E *order/paid*"])
    assert "panic" not in run.stdout.str() + run.stderr.str()


def test_what_no_test_asks_for_costs_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "pytest_event_py" in sys.modules
            assert not [name for name in sys.modules if name.partition(".")[0] == "event_py"]
        """
    )
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1)
    told = pytester.runpytest_subprocess(*PLUGIN, "--fixtures")
    told.stdout.fnmatch_lines(["events -- *", "*A client that sends nothing over a network*"])
