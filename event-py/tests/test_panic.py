"""A defect of ours, P15: an exception like others, after which all goes on."""

from __future__ import annotations

import threading

import pytest

from event_py import EventError, EventInternalError, _native
from event_py.testing import collecting


def test_p15_a_panic_is_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    client, collected = collecting()
    for _ in range(3):
        with pytest.raises(EventInternalError, match="made on purpose") as raised:
            _native._panic()
        assert isinstance(raised.value, EventError)
        assert isinstance(raised.value, Exception)
    caught = []

    def elsewhere() -> None:
        try:
            _native._panic()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert isinstance(caught[0], EventInternalError)
    assert client.track("order", "created")
    assert len(collected.json()) == 1
    assert "made on purpose" in capfd.readouterr().err
