"""Work on the events that a collector has refused and kept.

with event_py.Client("http://127.0.0.1:8000", source="shop") as client:
    for entry in client.quarantine.list(code="schema_violation", state="open"):
        print(entry.number, entry.violations)
    mended = client.quarantine.edit(17, [{"op": "replace", "path": "/data/total", "value": 12.5}])
    if mended.verdict.status == "stored":
        client.quarantine.replay(17)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, cast

from event_py import _ask
from event_py._ask import Ask, Steps
from event_py._native import Verdict
from event_py.errors import CollectorError, QueryError, Violation
from event_py.versions import _violations  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from event_py._native import Client

    State = Literal["open", "replayed", "discarded"]

__all__ = [
    "AsyncQuarantine",
    "Discarded",
    "Done",
    "Edited",
    "Entry",
    "Filter",
    "Inspected",
    "Mark",
    "Outcome",
    "Quarantine",
    "Replayed",
]


class Filter(TypedDict, total=False):
    """Which refused events: those of which all of this is so.

    >>> from event_py.quarantine import Filter
    >>> Filter(code="schema_violation", category="order", name="created", from_="2026-03-01")["code"]
    'schema_violation'
    """

    code: str | None
    """The reason why they were refused."""
    source: str | None
    """The application that they came from."""
    category: str | None
    """The type that they claim; a category goes with a name."""
    name: str | None
    """The type that they claim."""
    from_: date | str | None
    """They first came in at this time, or later."""
    to: date | str | None
    """They first came in before this time."""


class Entry(NamedTuple):
    """A refused event that is kept."""

    number: int
    """Its number in the quarantine."""
    state: State
    """What has become of it."""
    code: str
    """The first reason; the newest one, if it was judged again."""
    violations: list[Violation]
    """Every broken rule that was found, in the document as it is now."""
    source: str
    """The application that it came from."""
    id: str | None
    """The id that it claims."""
    category: str | None
    """The type that it claims."""
    name: str | None
    """The type that it claims."""
    version: str | None
    """The version that it claims."""
    session_id: str | None
    """The session that it claims."""
    subject: str | None
    """The subject that it claims."""
    raw: str | bytes
    """What came in, `bytes` where it is no text; only its start, where `sha256` is given."""
    edited: str | None
    """What it was edited to."""
    raw_bytes: int
    """How many bytes came in."""
    sha256: str | None
    """The SHA-256 of what came in, where only its start is kept."""
    received_at: datetime
    """When it first came in."""
    last_received_at: datetime
    """When it came in last."""
    occurrences: int
    """How often it came in."""

    @property
    def document(self) -> str | bytes:
        """The document as it is now, to which a patch is applied."""
        return self.raw if self.edited is None else self.edited

    def __repr__(self) -> str:
        # Not the document, which may be long, or personal.
        return f"Entry(number={self.number}, state={self.state!r}, code={self.code!r}, source={self.source!r})"


class Mark(NamedTuple):
    """A spot in a document, and what is wrong with it."""

    pointer: str
    """The place in the whole document, as a JSON pointer; of what is missing, where it should be."""
    keyword: str
    """The keyword of the schema, or the code of another rule."""
    limit: str | None
    """What the rule asks for, where that is short."""
    message: str
    """The rule in words."""
    value: Any
    """What stands there; `None` where nothing does, or where the document cannot be read."""
    offset: int | None
    """The byte at which a document that cannot be read goes wrong, from 0."""


class Done(NamedTuple):
    """One thing that was done to an entry."""

    at: datetime
    """When."""
    action: str
    """What: `edited`, `replayed`, `failed_again` or `discarded`."""
    actor: str | None
    """Who: the prefix of the key by which it was asked for, where there was one."""
    detail: str | None
    """What came of it, in a few words."""


class Inspected(NamedTuple):
    """A refused event, as a person looks at it."""

    entry: Entry
    """The entry."""
    marks: list[Mark]
    """Where each broken rule is broken, in the document as it is now."""
    verdict: Verdict
    """What would become of it, were it replayed now."""
    history: list[Done]
    """All that was done to it, the oldest first."""


class Edited(NamedTuple):
    """An edit, and what a replay would say of it."""

    number: int
    """The number of the entry."""
    dry_run: bool
    """Whether it was only tried."""
    document: str
    """The document as it is now, or would be."""
    verdict: Verdict
    """What would become of it, were it replayed now."""


class Outcome(NamedTuple):
    """What became of so many entries."""

    status: str
    """`stored` and `duplicate` are in the log now; all others stay in the quarantine."""
    code: str | None
    """Why they stay."""
    entries: int
    """How many."""
    samples: dict[int, Verdict]
    """The first five, by their numbers."""


class Replayed(NamedTuple):
    """What became of entries, or would become of them."""

    dry_run: bool
    """Whether it was only tried."""
    entries: int
    """Entries that were judged again."""
    skipped: int
    """Entries that were asked for, and are not there, or not open, or were changed meanwhile."""
    outcomes: list[Outcome]
    """What became of them, the most frequent first."""


class Discarded(NamedTuple):
    """What was discarded, or would be."""

    dry_run: bool
    """Whether it was only tried."""
    entries: int
    """How many entries."""
    skipped: int
    """Entries that were asked for, and are not there, or not open."""


def _entry(told: dict[str, Any]) -> Entry:
    raw = told.get("raw")
    return Entry(
        told["number"],
        told["state"],
        told["code"],
        _violations(told["violations"]),
        told["source"],
        told.get("id"),
        told.get("category"),
        told.get("name"),
        told.get("version"),
        told.get("session_id"),
        told.get("subject"),
        bytes.fromhex(told.get("raw_hex", "")) if raw is None else raw,
        told.get("edited"),
        told["raw_bytes"],
        told.get("sha256"),
        _ask.instant(told["received_at"]),
        _ask.instant(told["last_received_at"]),
        told["occurrences"],
    )


def _verdict(told: dict[str, Any]) -> Verdict:
    return Verdict._read(json.dumps(told))


def _mark(told: dict[str, Any]) -> Mark:
    optional = (told.get("value"), told.get("offset"))
    return Mark(told["pointer"], told["keyword"], told.get("limit"), told["message"], *optional)


def _done(told: dict[str, Any]) -> Done:
    return Done(_ask.instant(told["at"]), told["action"], told.get("actor"), told.get("detail"))


def _inspected(told: dict[str, Any]) -> Inspected:
    marks, history = [_mark(one) for one in told["marks"]], [_done(one) for one in told["history"]]
    return Inspected(_entry(told), marks, _verdict(told["verdict"]), history)


def _edited(told: dict[str, Any]) -> Edited:
    return Edited(told["number"], told["run"] == "dry", told["document"], _verdict(told["verdict"]))


def _outcome(told: dict[str, Any]) -> Outcome:
    samples = {sample.pop("number"): _verdict(sample) for sample in told["samples"]}
    return Outcome(told["status"], told.get("code"), told["entries"], samples)


def _replayed(told: dict[str, Any]) -> Replayed:
    outcomes = [_outcome(one) for one in told["outcomes"]]
    return Replayed(told["run"] == "dry", told["entries"], told["skipped"], outcomes)


def _and(one: Replayed, other: Replayed) -> Replayed:
    """Two parts of one work."""
    found = {(outcome.status, outcome.code): outcome for outcome in one.outcomes}
    for outcome in other.outcomes:
        known = found.get((outcome.status, outcome.code), outcome._replace(entries=0, samples={}))
        samples = dict([*known.samples.items(), *outcome.samples.items()][:5])
        found[outcome.status, outcome.code] = outcome._replace(entries=known.entries + outcome.entries, samples=samples)
    outcomes = sorted(found.values(), key=lambda outcome: -outcome.entries)
    return Replayed(one.dry_run, one.entries + other.entries, one.skipped + other.skipped, outcomes)


def _show(number: int) -> Ask[Inspected]:
    return Ask("entry", _inspected, (str(number),))


def _edit(number: int, patch: Iterable[dict[str, Any]] | str | bytes, dry_run: bool) -> Ask[Edited]:
    parameters = _ask.parameters({"dry_run": dry_run})
    operations = patch if isinstance(patch, (str, bytes)) else list(patch)
    return Ask("edit", _edited, (str(number),), parameters, _ask.written(operations))


def _work(
    numbers: tuple[int, ...],
    filter: Filter,
    all: bool,
    dry_run: bool,
    note: str | None = None,
    upcast: str | None = None,
) -> dict[str, Any]:
    """What is to be worked on; everything only for whoever says so."""
    chosen = dict(_ask.parameters(filter))
    if bool(numbers) + bool(chosen) + all != 1:
        message = "say which: numbers, or a filter, or all=True"
        raise QueryError(message, "invalid_work", "numbers")
    selection: dict[str, Any] = {"ids": list(numbers)} if numbers else {"filter": chosen}
    optional = {name: value for name, value in (("note", note), ("upcast", upcast)) if value is not None}
    return selection | {"dry_run": dry_run} | optional


def _step(verb: str, work: dict[str, Any], after: int | None) -> Ask[dict[str, Any]]:
    more = {} if after is None else {"after": after}
    return Ask(verb, lambda told: cast("dict[str, Any]", told), body=_ask.written(work | more))


def _replay(work: dict[str, Any]) -> Steps[Replayed]:
    told = yield _step("replay", work, None)
    replayed = _replayed(told)
    while (after := told.get("next")) is not None:
        told = yield _step("replay", work, after)
        replayed = _and(replayed, _replayed(told))
    return replayed


def _discard(work: dict[str, Any]) -> Steps[Discarded]:
    entries, skipped, after = 0, 0, None
    while True:
        told = yield _step("discard", work, after)
        entries, skipped, after = entries + told["entries"], skipped + told["skipped"], told.get("next")
        if after is None:
            return Discarded(told["run"] == "dry", entries, skipped)


class _Pages:
    """Which page is next. The largest entries do not fit into an answer a hundred at a time."""

    def __init__(self, state: State | None, filter: Filter) -> None:
        self._given = {**filter, "state": state}
        self._limit, self._cursor, self.over = 100, None, False

    @property
    def next(self) -> Ask[Any]:
        given = _ask.parameters(self._given | {"limit": self._limit, "cursor": self._cursor})
        return Ask("quarantine", lambda told: told, (), given)

    def read(self, told: Any) -> list[Entry]:
        self._cursor = told["next"]
        self.over = self._cursor is None
        return [_entry(one) for one in told["entries"]]

    def shrink(self, error: CollectorError) -> None:
        if error.reason != "unreadable" or self._limit == 1:
            raise error
        self._limit //= 2


class Quarantine:
    """The events that a collector has refused and kept: `client.quarantine`.

    It raises `CollectorError` where the collector does not answer, or refuses; its `code` says why, say
    `entry_not_found`, `entry_settled`, `invalid_patch`, or `not_permitted` for the entries of another source.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, *, state: State | None = None, **filter: Unpack[Filter]) -> Iterator[Entry]:
        """Entries, in the order in which they came in first; they are fetched page by page, as they are read."""
        pages = _Pages(state, filter)
        while not pages.over:
            try:
                told = _ask.wait(self._client, pages.next)
            except CollectorError as error:
                pages.shrink(error)
                continue
            yield from pages.read(told)

    def show(self, number: int) -> Inspected:
        """One entry, with the spots that are wrong, what would become of it, and all that was done to it."""
        return _ask.wait(self._client, _show(number))

    def edit(self, number: int, patch: Iterable[dict[str, Any]] | str | bytes, *, dry_run: bool = False) -> Edited:
        """Mends the document of an entry by a JSON Patch (RFC 6902), a list of operations or its JSON text, and tells
        what would become of it; what came in stays beside it, and nothing is replayed."""
        return _ask.wait(self._client, _edit(number, patch, dry_run))

    def replay(
        self,
        *numbers: int,
        all: bool = False,
        dry_run: bool = False,
        upcast: str | None = None,
        **filter: Unpack[Filter],
    ) -> Replayed:
        """Judges entries again by what is registered now, and stores those that are good: by their numbers, or the
        open ones that a filter finds, or `all` that are open.

        However often it is done, each is stored once. It works on 10,000 entries in a request at the most; where one
        of several requests fails, what is done stays done. With `upcast` those of an older version are brought to a
        version before, or to the active one, `"latest"`.
        """
        return _ask.wait_all(self._client, _replay(_work(numbers, filter, all, dry_run, upcast=upcast)))

    def discard(
        self,
        *numbers: int,
        all: bool = False,
        dry_run: bool = False,
        note: str | None = None,
        **filter: Unpack[Filter],
    ) -> Discarded:
        """Puts entries away that are of no use, with a note for their history. They stay, and only by its number one
        can be replayed."""
        return _ask.wait_all(self._client, _discard(_work(numbers, filter, all, dry_run, note)))


class AsyncQuarantine:
    """The same with coroutines: `quarantine` of an `AsyncClient`."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(self, *, state: State | None = None, **filter: Unpack[Filter]) -> AsyncIterator[Entry]:
        """As `Quarantine.list`."""
        pages = _Pages(state, filter)
        while not pages.over:
            try:
                told = await _ask.ask(self._client, pages.next)
            except CollectorError as error:
                pages.shrink(error)
                continue
            for entry in pages.read(told):
                yield entry

    async def show(self, number: int) -> Inspected:
        """As `Quarantine.show`."""
        return await _ask.ask(self._client, _show(number))

    async def edit(
        self, number: int, patch: Iterable[dict[str, Any]] | str | bytes, *, dry_run: bool = False
    ) -> Edited:
        """As `Quarantine.edit`."""
        return await _ask.ask(self._client, _edit(number, patch, dry_run))

    async def replay(
        self,
        *numbers: int,
        all: bool = False,
        dry_run: bool = False,
        upcast: str | None = None,
        **filter: Unpack[Filter],
    ) -> Replayed:
        """As `Quarantine.replay`."""
        return await _ask.ask_all(self._client, _replay(_work(numbers, filter, all, dry_run, upcast=upcast)))

    async def discard(
        self,
        *numbers: int,
        all: bool = False,
        dry_run: bool = False,
        note: str | None = None,
        **filter: Unpack[Filter],
    ) -> Discarded:
        """As `Quarantine.discard`."""
        return await _ask.ask_all(self._client, _discard(_work(numbers, filter, all, dry_run, note)))
