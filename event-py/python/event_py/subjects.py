"""What a collector does to subjects: those whom events are about.

with event_py.Client("http://127.0.0.1:8000", source="shop") as client:
    print(client.subjects.erase("ann-smith", dry_run=True).touched["events"])
    receipt = client.subjects.erase("ann-smith")
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from event_py import _ask
from event_py._ask import Ask

if TYPE_CHECKING:
    from event_py._native import Client

__all__ = ["AsyncSubjects", "Erasure", "Subjects"]


class Erasure(NamedTuple):
    """The receipt of an erasure. It names nobody."""

    number: int
    """Its number; 0 where it was only tried."""
    subject_sha256: str
    """The SHA-256 of the subject, in hexadecimal digits: whoever knows whom to ask for finds it."""
    started_at: datetime
    """When it began."""
    finished_at: datetime | None
    """When it was done; `None` where it was interrupted, or only tried."""
    touched: dict[str, int]
    """How many rows of each kind were touched, say `events` and `quarantine`; `first_position` and `last_position` are
    the places of the first and the last of the events, where there were any."""


def _erasure(told: dict[str, Any]) -> Erasure:
    finished = told.get("finished_at")
    return Erasure(
        told["number"],
        told["subject_sha256"],
        _ask.instant(told["started_at"]),
        None if finished is None else _ask.instant(finished),
        told["touched"],
    )


_ERASURES = Ask("erasures", lambda told: [_erasure(one) for one in told["erasures"]])


def _erase(subject: str, dry_run: bool) -> Ask[Erasure]:
    return Ask("erase", _erasure, (subject,), _ask.parameters({"dry_run": dry_run}))


class Subjects:
    """What a collector does to subjects: `client.subjects`.

    It raises `CollectorError` where the collector does not answer, or refuses; its `code` says why.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def erase(self, subject: str, *, dry_run: bool = False) -> Erasure:
        """Erases all that names a subject: its events with their ids, what was counted of them, and what is in the
        quarantine.

        A collector that asks for keys refuses it (`not_permitted`), unless the key is for `admin` and for all sources
        and types, as an erasure is. `subject_not_found` says that nothing names it.

        It may take longer than `request_timeout`; it goes on all the same, and the next call tells of it.
        """
        return _ask.wait(self._client, _erase(subject, dry_run))

    def erasures(self) -> list[Erasure]:
        """The receipts of all erasures, the oldest first."""
        return _ask.wait(self._client, _ERASURES)


class AsyncSubjects:
    """The same with coroutines: `subjects` of an `AsyncClient`."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    async def erase(self, subject: str, *, dry_run: bool = False) -> Erasure:
        """As `Subjects.erase`."""
        return await _ask.ask(self._client, _erase(subject, dry_run))

    async def erasures(self) -> list[Erasure]:
        """As `Subjects.erasures`."""
        return await _ask.ask(self._client, _ERASURES)
