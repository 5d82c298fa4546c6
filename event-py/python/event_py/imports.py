"""Files into a collector: sent as they are read, imported while they come, and what became of their rows.

with event_py.Client("http://127.0.0.1:8000", source="meter") as client:
    imported = client.import_file(
        "usage.csv.gz", header=False, category="usage", columns=["subject", "name", "data.value:number", "timestamp"],
        label="usage of March",
    )
    print(imported.counts.stored, imported.counts.codes)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

from event_py import _ask
from event_py._ask import Ask

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from typing_extensions import Unpack

    from event_py._native import Client

__all__ = ["Counts", "How", "Imported"]


class How(TypedDict, total=False):
    """What a file holds, and what becomes of it; all are optional.

    >>> from event_py.imports import How
    >>> How(header=False, columns=["subject", "timestamp"])["columns"]
    ['subject', 'timestamp']
    """

    format: Literal["csv", "ndjson"]
    """What it holds; by its name, if left out: `.ndjson` and `.jsonl`, also with `.gz` or `.zst`, are NDJSON."""
    header: bool
    """Whether the first record holds the names of the columns (`True`)."""
    delimiter: str
    """What stands between two fields (`","`)."""
    columns: Sequence[str]
    """What the columns become, in their order, say `["subject", "data.value:number", "timestamp", "-"]`."""
    map: Mapping[str, str]
    """What the column of a name becomes, say `{"customer": "subject"}`; the others are what they are called."""
    category: str
    """The category of rows that name none."""
    name: str
    """The name of rows that name none."""
    version: str
    """The version of rows that name none."""
    source: str
    """The source of rows that name none (that of the client)."""
    zone: str | ZoneInfo
    """Whose clock it is that times without an offset are of."""
    trim: bool
    """Whether white space around fields is taken away (`False`)."""
    max_errors: int
    """How many refused rows end it (1,000)."""
    label: str
    """What it is called, to go on with it: the same file again adds nothing, one that has grown what is new."""
    restart: bool
    """Whether it begins at the start of the file, also if it was imported before (`False`)."""
    last_record: Literal["import", "leave"]
    """What becomes of a last record without line end (`"import"`)."""
    counts_only: bool
    """Whether only what metrics count of the rows is kept, and their ids (`False`)."""


class Counts(NamedTuple):
    """Rows of a file by what became of them: `rows` is the sum of the four behind it."""

    rows: int
    """Rows that were read."""
    stored: int
    """They are new events."""
    duplicates: int
    """They were stored before."""
    quarantined: int
    """They are no events, or break rules, and are kept in the quarantine."""
    rejected: int
    """They break rules, and are not kept."""
    codes: dict[str, int]
    """Those that were refused, by reason."""
    first: datetime | None
    """When the first of the events happened."""
    last: datetime | None
    """When the last of them happened."""


class Imported(NamedTuple):
    """What an import has done."""

    outcome: Literal["complete", "nothing_new", "stopped"]
    """Whether the file was read to its end, was known, or the import ended before it."""
    label: str | None
    """What it is called."""
    counts: Counts
    """What became of the rows, since the file was last read to its end."""
    previous: Counts | None
    """The same of the last time before."""
    total: Counts
    """The same of all times."""
    resumed_at_line: int | None
    """The line that this run began on, where one before it had come so far."""
    rows: int
    """Rows that this run has read."""
    seconds: float
    """How long it took."""

    @classmethod
    def of(cls, report: str | Mapping[str, Any]) -> Imported:
        """Reads a report of a collector: that of `CollectorError.report`, if an import ended before its file."""
        told: Mapping[str, Any] = json.loads(report) if isinstance(report, str) else report
        previous = told["previous"]
        return cls(
            told["outcome"],
            told["label"],
            _counts(told["pass"]),
            None if previous is None else _counts(previous),
            _counts(told["total"]),
            told["resumed_at_line"],
            told["rows"],
            told["seconds"],
        )


def _counts(told: Mapping[str, Any]) -> Counts:
    first, last = (None if told.get(name) is None else _ask.instant(told[name]) for name in ("first", "last"))
    return Counts(
        told["rows"],
        told["stored"],
        told["duplicates"],
        told["quarantined"],
        told["rejected"],
        dict(told["codes"]),
        first,
        last,
    )


def _asked(path: str | os.PathLike[str], how: How) -> Ask[Imported]:
    given: dict[str, Any] = {**how}
    if isinstance(given.get("columns"), str):
        raise TypeError("columns: a list of texts, one for each column")
    name = os.fspath(path)
    bare = name.removesuffix(".gz").removesuffix(".zst")
    by_name = "ndjson" if bare.endswith((".ndjson", ".jsonl")) else "csv"
    parameters: dict[str, Any] = {
        "header": None if given.pop("header", True) else "absent",
        "space": "trim" if given.pop("trim", False) else None,
        "start": "over" if given.pop("restart", False) else None,
        "keep": "counts_only" if given.pop("counts_only", False) else None,
        "map": [f"{column}={becomes}" for column, becomes in given.pop("map", {}).items()],
        "columns": ",".join(given.pop("columns", ())) or None,
    }
    verb = f"import_{given.pop('format', by_name)}"
    return Ask(verb, Imported.of, (os.path.abspath(name),), _ask.parameters({**parameters, **given}))


def run(client: Client, path: str | os.PathLike[str], **how: Unpack[How]) -> Imported:
    """As `Client.import_file`."""
    return _ask.wait(client, _asked(path, how))


async def run_async(client: Client, path: str | os.PathLike[str], **how: Unpack[How]) -> Imported:
    """As `AsyncClient.import_file`."""
    return await _ask.ask(client, _asked(path, how))
