"""Events come out of a collector as they went in, in order, each once, and in bounded memory."""

from __future__ import annotations

import csv
import gc
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pyarrow.parquet  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pytest

from collector import Collector
from event_py import Client, CollectorError, Event, QueryError


def sent(collector: Collector, count: int, pad: str = "", **more: Any) -> None:
    events = [
        {
            "id": f"e-{number}",
            "category": "order",
            "name": "created" if number % 2 else "paid",
            "occurred_at": f"2026-03-29T00:00:{number % 60:02}Z",
            "data": {"value": number, "country": ["FR", "DE", "US"][number % 3], "pad": pad},
            **more,
        }
        for number in range(count)
    ]
    for start in range(0, count, 500):
        collector.request("POST", "/v1/events", events[start : start + 500])


def test_events_come_in_the_order_of_the_log(client: Any, collector: Collector) -> None:
    sent(collector, 1200)
    with client.export() as export:
        events: list[Event] = [*export]
    assert [event.id for event in events] == [f"e-{number}" for number in range(1200)]
    assert events[7].data == {"value": 7, "country": "DE", "pad": ""}
    assert events[7].occurred_at.second == 7
    assert export.position == export.last == 1200
    sent(collector, 2, source="app")
    assert [event.source for event in client.export(after=export.position)] == ["app", "app"]


def test_an_export_that_was_left_goes_on(client: Any, collector: Collector) -> None:
    sent(collector, 30)
    seen: list[str] = []
    after = 0
    while len(seen) < 30:
        with client.export(after=after) as export:
            for event in export:
                seen.append(event.id)
                if len(seen) % 7 == 0:
                    break
        assert export.last is not None
        after = export.last
    assert seen == [f"e-{number}" for number in range(30)]


def test_filters_choose(client: Any, collector: Collector) -> None:
    sent(collector, 60, subject="ann", session_id="s", version="2")

    def found(**which: Any) -> int:
        return len([*client.export(**which)])

    assert found(name="paid", category="order") == 30
    assert found(where={"/country": "US"}) == 20
    assert found(where={"/country": "FR", "/value": 0}) == 1
    assert found(subject="ann", session_id="s", version="2", source="nobody") == 0
    assert found(from_="2026-03-29T01:00:30", to="2026-03-29 01:00:40", zone=ZoneInfo("Europe/Vienna")) == 10


def test_bytes_go_to_a_file(client: Any, collector: Collector, tmp_path: Path) -> None:
    sent(collector, 50)
    path = tmp_path / "orders.csv"
    assert client.export(format="csv", columns=["/value", "/country"]).save(path) == 50
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [(row["id"], row["/value"], row["/country"]) for row in rows[:2]] == [("e-0", "0", "FR"), ("e-1", "1", "DE")]
    assert len(rows) == 50
    chunks = b"".join(client.export(format="csv", columns=["/value", "/country"]).chunks())
    assert chunks == path.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"orders.csv", "collector"}


def test_arrow_is_read_batch_by_batch(collector: Collector, tmp_path: Path) -> None:
    sent(collector, 50)
    with Client(collector.url, source="shop") as client:
        table = client.export(format="arrow").batches().read_all()
        assert table.column("id").to_pylist() == [f"e-{number}" for number in range(50)]
        path = tmp_path / "orders.parquet"
        assert client.export(format="arrow", name="paid").save_parquet(path) == 50
        assert pa.parquet.read_table(path).num_rows == 25
        client.export(format="arrow").save(tmp_path / "orders.arrows")
        with pa.ipc.open_stream(tmp_path / "orders.arrows") as read:
            assert read.read_all() == table


def test_what_breaks_off_is_no_export(client: Any, collector: Collector, tmp_path: Path) -> None:
    # More than the buffers of all sockets on the way.
    sent(collector, 2_000, pad="x" * 8_000)
    for _ in range(5):
        # The client's thread is not kept waiting by whoever has left.
        left = client.export()
        next(iter(left.chunks()))
        del left
        gc.collect()
    closed = client.export()
    closed.close()
    path = tmp_path / "all.ndjson"
    chunks = iter(client.export().chunks())
    next(chunks)
    other = client.export()
    collector.kill()
    with pytest.raises(CollectorError) as broken:
        for _ in chunks:
            pass
    assert broken.value.reason == "unavailable"
    with pytest.raises(CollectorError):
        other.save(path)
    assert not path.exists() and not path.with_name("all.ndjson.part").exists()


def test_what_is_refused_says_why(client: Any, collector: Collector) -> None:
    for which, code in [
        ({"format": "xml"}, "invalid_parameter"),
        ({"columns": ["/value"]}, "invalid_parameter"),
        ({"after": -1}, "invalid_parameter"),
        ({"colour": "red"}, "unknown_parameter"),
    ]:
        with pytest.raises(CollectorError) as wrong:
            client.export(**which)
        assert (wrong.value.status, wrong.value.code) == (400, code)
    with pytest.raises(QueryError):
        client.export(from_=datetime(2026, 1, 1))
    assert [*client.export()] == []
    collector.stop()
    with pytest.raises(CollectorError) as away:
        client.export()
    assert away.value.reason == "unavailable"
