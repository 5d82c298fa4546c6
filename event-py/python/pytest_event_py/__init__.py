"""The pytest plugin of `event_py`: the fixture `events`.

A package of its own, since pytest imports all plugins that are installed: one that no test asks for costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from event_py.testing import Events

__all__ = ["events"]


@pytest.fixture
def events() -> Iterator[Events]:
    """A client that sends nothing over a network, and what it has sent: `client, collected = events`.

    The client goes to the application that is tested; afterwards it is closed.
    """
    from event_py.testing import Events, collecting

    made = Events(*collecting())
    try:
        yield made
    finally:
        # So that nothing waits, whatever was to go wrong.
        made.collected.behave()
        made.client.close()
