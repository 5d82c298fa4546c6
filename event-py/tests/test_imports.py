"""Files go into a collector as they do by its program, and what became of their rows comes back."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector import Collector
from event_py import CollectorError
from event_py.imports import Imported

COLUMNS = ["subject", "name", "data.transaction_id", "timestamp"]
ROWS = "".join(f"c-{row % 7},INGEST,t-{row},2021-03-01 00:{row % 60:02}:00+00\n" for row in range(5_000))


def test_a_file_is_imported_once_and_what_it_grew_by(client: Any, collector: Collector, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv.gz"
    path.write_bytes(gzip.compress((ROWS + ",INGEST,t,2021-03-01\n").encode()))
    how: dict[str, Any] = {"header": False, "category": "usage", "columns": COLUMNS, "label": "march"}
    imported = client.import_file(path, **how)
    assert (imported.outcome, imported.label, imported.previous) == ("complete", "march", None)
    assert imported.counts[:5] == (5_001, 5_000, 0, 1, 0)
    assert imported.counts.codes == {"invalid_envelope": 1}
    assert imported.counts.first is not None and imported.counts.first.isoformat() == "2021-03-01T00:00:00+00:00"
    assert client.import_file(path, **how).outcome == "nothing_new"
    path.write_bytes(gzip.compress((ROWS + ",INGEST,t,2021-03-01\n" + ROWS.replace("t-", "u-")).encode()))
    grown = client.import_file(path, **how)
    assert (grown.counts.stored, grown.total.stored) == (5_000, 10_000)
    # What is nobody else's is the client's.
    (row,) = client.query("count", by="source")
    assert (row.group, row.value) == ({"source": "shop"}, 10_000)


def test_lines_and_names_of_columns(client: Any, collector: Collector, tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    lines.write_text('{"id": "n-1", "category": "usage", "name": "measured"}\n')
    assert client.import_file(lines).counts.stored == 1
    table = tmp_path / "table.txt"
    table.write_text("customer;at;value\nc-1;2021-03-01 10:00:00; 7.5\n")
    imported = client.import_file(
        table,
        delimiter=";",
        map={"customer": "subject", "at": "timestamp", "value": "data.value:number"},
        category="usage",
        name="measured",
        zone=ZoneInfo("Europe/Paris"),
        trim=True,
    )
    assert imported.counts.stored == 1
    (event,) = client.export(subject="c-1")
    assert (event.data, event.occurred_at.hour) == ({"value": 7.5}, 9)


def test_what_was_done_by_then_is_told(client: Any, collector: Collector, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(ROWS[:120] + "\n" + ",INGEST,t,2021-03-01\n" * 9)
    with pytest.raises(CollectorError) as caught:
        client.import_file(path, header=False, category="usage", columns=COLUMNS, max_errors=3)
    assert (caught.value.code, caught.value.status) == ("too_many_errors", 422)
    assert caught.value.report is not None
    assert Imported.of(caught.value.report).outcome == "stopped"
    with pytest.raises(CollectorError) as caught:
        client.import_file(path, colour="red")
    assert (caught.value.code, caught.value.report) == ("unknown_parameter", None)
    with pytest.raises(CollectorError) as caught:
        client.import_file(tmp_path / "nowhere.csv")
    assert caught.value.reason == "unavailable" and "file" in str(caught.value)
