"""A client for the tests of applications: it sends nothing over a network, and what it has sent can be looked at.

>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> client.track("order", "created", {"value": 12.5})
True
>>> collected.assert_one("order", "created", value=12.5)["source"]
'test'

What an application does when its collector is away, refuses events or fails can be tried too:

>>> collected.go_down()
>>> client.track("order", "paid")
True
>>> collected.assert_none("order", "paid")
>>> collected.come_up()
>>> _ = collected.assert_one("order", "paid")
"""

from __future__ import annotations

from typing import NamedTuple

from event_py._native import Client, Collected, collecting

__all__ = ["Client", "Collected", "Events", "collecting"]


class Events(NamedTuple):
    """What the pytest fixture `events` is: a client for the application that is tested, and what it has sent."""

    client: Client
    """A client that sends nothing over a network."""
    collected: Collected
    """What it has sent, and what its collector is to do."""
