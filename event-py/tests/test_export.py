"""What the collector's program exports, read back by other programs: the counts and sums are those of its answers."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb
import polars
import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pyarrow.dataset  # type: ignore[import-untyped, import-not-found, unused-ignore]  # noqa: F401
import pytest

from collector import OPENER, Collector, program
from event_py import Client

EVENTS = 1_000_000 if os.environ.get("EVENT_TEST_LONG") == "1" else 2_000
START = datetime(2026, 3, 28, 22, tzinfo=timezone.utc)
TYPES = [("order", "created"), ("order", "paid"), ("page interaction", "Zoë/=1"), ("2024", "..")]


def event(number: int) -> dict[str, Any]:
    category, name = TYPES[number % len(TYPES)]
    return {
        "id": f"e-{number}",
        "category": category,
        "name": name,
        "source": "shop",
        "subject": ["=cmd()", "Zoë", None][number % 3],
        "occurred_at": (START + timedelta(days=3) * number / EVENTS).isoformat(),
        "data": {"value": number % 1000 / 4, "text": '+1,\r\n"x"'},
    }


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `event-server export` over the database of the collector in this directory."""
    database = f"sqlite://{directory / 'collector' / 'events.db'}?mode=rw"
    arguments = [str(program()), "export", "--database-url", database, *words]
    return subprocess.run(arguments, check=True, capture_output=True, text=True)


@pytest.fixture
def filled(collector: Collector) -> Collector:
    for first in range(0, EVENTS, 1_000):
        events = [event(number) for number in range(first, min(EVENTS, first + 1_000))]
        results = collector.request("POST", "/v1/events", events)["results"]
        assert {result["status"] for result in results} == {"stored"}
    return collector


Totals = dict[tuple[str, str, str], tuple[int, Decimal]]


def answered(collector: Collector) -> Totals:
    """Number of events and sum of their values, by day and type, as the collector answers."""
    totals: Totals = {}
    # Of a million rows a sum takes its time.
    with Client(collector.url, source="shop", request_timeout=300) as client:
        counts = client.query("count", by=["category", "name"], bucket="day")
        sums = client.query("sum:/value", by=["category", "name"], bucket="day")
        for count, total in zip(counts, sums, strict=True):
            assert count.start is not None and (count.start, count.group) == (total.start, total.group)
            if count.value:
                key = (count.start.date().isoformat(), str(count.group["category"]), str(count.group["name"]))
                totals[key] = (int(count.value), Decimal(total.value or 0))
    assert sum(count for count, _ in totals.values()) == EVENTS
    return totals


# By day and type, whoever reads: the day of the folder and that of the column are one.
PARQUET = """
    SELECT "date"::VARCHAR, category::VARCHAR, name, count(*), sum(CAST(data->>'$.value' AS DECIMAL(18, 2)))
    FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)
    WHERE strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%d') = "date"::VARCHAR
    GROUP BY ALL
"""


def test_parquet_gives_the_answers_of_the_collector(filled: Collector, tmp_path: Path) -> None:
    expected = answered(filled)
    folder = tmp_path / "events"
    said = run(tmp_path, "--format", "parquet", "--out", str(folder)).stderr
    assert said == f"all events up to position {EVENTS} are exported\n"
    parts = sorted(folder.glob("date=*/category=*/name=*/part-*.parquet"))
    assert folder / f"date=2026-03-29/category=page%20interaction/name={quote('Zoë/=1', safe='')}" in {
        part.parent for part in parts
    }

    with duckdb.connect() as database:
        rows = database.execute(PARQUET.format(folder=folder)).fetchall()
        assert {(day, category, name): (count, total) for day, category, name, count, total in rows} == expected
        # The folders are there to be left out.
        of_day = "SELECT count(*), count(DISTINCT id) FROM read_parquet(?, hive_partitioning = true) WHERE date = ?"
        found = database.execute(of_day, [f"{folder}/**/*.parquet", "2026-03-29"]).fetchone()
        of_day_expected = sum(count for (day, _, _), (count, _) in expected.items() if day == "2026-03-29")
        assert found == (of_day_expected, of_day_expected)

    table = polars.scan_parquet(f"{folder}/**/*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
    value = polars.col("data").str.json_path_match("$.value").cast(polars.Decimal(18, 2))
    grouped = table.group_by(polars.col("date"), polars.col("category").cast(polars.String), polars.col("name"))
    sums = grouped.agg(polars.len().alias("count"), value.sum().alias("total")).collect()
    assert {
        (str(row["date"]), unquote(row["category"]), unquote(row["name"])): (row["count"], row["total"])
        for row in sums.iter_rows(named=True)
    } == expected

    # A file alone has its type, and times with their zone.
    one = polars.read_parquet(parts[0], hive_partitioning=False).to_arrow()
    assert one.schema.field("occurred_at").type == pa.timestamp("us", tz="UTC")
    assert set(one.column("category").to_pylist()) <= {category for category, _ in TYPES}
    dataset = pa.dataset.dataset(folder, partitioning="hive", exclude_invalid_files=False)
    assert dataset.count_rows() == EVENTS

    # What comes later comes to the folder, and nothing twice.
    filled.request("POST", "/v1/events", [event(0) | {"id": "late"}, event(0)])
    run(tmp_path, "--format", "parquet", "--out", str(folder))
    with duckdb.connect() as database:
        both = "SELECT count(*), count(DISTINCT id) FROM read_parquet(?)"
        found = database.execute(both, [f"{folder}/**/*.parquet"]).fetchone()
        assert found == (EVENTS + 1, EVENTS + 1)


def test_csv_and_lines_give_the_answers_of_the_collector(filled: Collector, tmp_path: Path) -> None:
    expected = answered(filled)
    rows_file, lines_file = tmp_path / "events.csv", tmp_path / "events.ndjson"
    run(tmp_path, "--format", "csv", "--column", "/value", "--column", "/text", "--out", str(rows_file))
    run(tmp_path, "--format", "ndjson", "--out", str(lines_file))
    grouped = """
        SELECT strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%d'), category, name, count(*),
               sum(CAST({value} AS DECIMAL(18, 2))) FROM {table} GROUP BY ALL
    """
    csv_table = f"read_csv('{rows_file}', all_varchar = true)"
    csv_table = f"(SELECT * REPLACE (occurred_at::TIMESTAMPTZ AS occurred_at) FROM {csv_table})"
    columns = "columns = {category: 'VARCHAR', name: 'VARCHAR', occurred_at: 'TIMESTAMPTZ', data: 'JSON'}"
    lines_table = f"read_json('{lines_file}', format = 'newline_delimited', {columns})"
    with duckdb.connect() as database:
        for table, value in [(csv_table, '"/value"'), (lines_table, "data->>'$.value'")]:
            rows = database.execute(grouped.format(value=value, table=table)).fetchall()
            found = {(day, category, name): (count, total) for day, category, name, count, total in rows}
            assert found == expected, table

    frame = polars.read_csv(rows_file, infer_schema=False)
    assert frame.height == EVENTS
    assert frame["/value"].cast(polars.Decimal(18, 2)).sum() == sum(total for _, total in expected.values())
    lines = polars.read_ndjson(lines_file)
    assert lines.height == EVENTS and lines["position"].to_list() == list(range(1, EVENTS + 1))

    # Nothing in a cell is a formula, and numbers are numbers.
    with rows_file.open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["subject"], first["/text"], first["/value"]) == ("'=cmd()", '\'+1,\r\n"x"', "0")
    with lines_file.open() as line_file:
        assert json.loads(next(line_file))["subject"] == "=cmd()"


def test_a_stream_of_arrow_is_a_table_for_everybody(filled: Collector) -> None:
    expected = answered(filled)
    with OPENER.open(f"{filled.url}/v1/export?format=arrow&category=order", timeout=60) as answer:
        assert answer.headers["event-position"] == str(EVENTS)
        stream = answer.read()
    wanted = {key: counted for key, counted in expected.items() if key[1] == "order"}
    table = pa.ipc.open_stream(stream).read_all()
    assert table.num_rows == sum(count for count, _ in wanted.values())
    frame = polars.read_ipc_stream(stream)
    of_frame = frame.group_by("category", "name").len().sort("name")
    assert [row[2] for row in of_frame.iter_rows()] == [EVENTS // 4, EVENTS // 4]
    grouped = """
        SELECT strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%d'), category::VARCHAR, name::VARCHAR, count(*),
               sum(CAST(data->>'$.value' AS DECIMAL(18, 2))) FROM exported GROUP BY ALL
    """
    with duckdb.connect() as database:
        database.register("exported", table)
        rows = database.execute(grouped).fetchall()
        assert {(day, category, name): (count, total) for day, category, name, count, total in rows} == wanted
