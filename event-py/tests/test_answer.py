"""An answer is rows, a table for every package, and something to look at; a collector gives the same."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import polars
import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pytest

import event_py
from collector import Collector
from event_py import Client, Query, Row, answer
from event_py.testing import collecting

UTC = timezone.utc


def order(value: Any, day: int = 1, **data: Any) -> dict[str, Any]:
    at = datetime(2026, 1, day, 12, tzinfo=UTC)
    return {"category": "order", "name": "created", "occurred_at": at, "data": {"value": value, **data}}


ORDERS = [order(0.1, country="FR"), order(0.2, country="FR"), order(5, 3, country="DE"), order("free", 3)]


def test_rows_are_exact() -> None:
    asked = Query("sum:/value", by="/country", bucket="day", to=datetime(2026, 1, 3, 13, tzinfo=UTC))
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    given = answer(asked, ORDERS)
    assert len(given) == 9
    assert given.rows[2] == Row(days[0], days[1], False, {"/country": "FR"}, Decimal("0.3"))
    assert (
        list(given)[6:]
        == given.rows[6:]
        == [
            Row(days[2], days[2] + timedelta(hours=13), True, {"/country": country}, value)
            for country, value in [(None, 0), ("DE", 5), ("FR", 0)]
        ]
    )
    assert (given.source, given.position) == ("memory", None)
    assert json.loads(given.to_json())["rows"][2]["value"] == "0.3"


def test_a_value_is_an_int_a_decimal_or_nothing() -> None:
    (row,) = answer("count", ORDERS)
    assert row == Row(None, None, False, {}, 4) and type(row.value) is int
    (row,) = answer("average:/value", ORDERS)
    assert row.value == Decimal("1.766666666667") and type(row.value) is Decimal
    (row,) = answer("maximum:/nothing", ORDERS)
    assert row.value is None
    (row,) = answer("sum:/value", [order(1e300), order(1)])
    assert row.value == 10**300 + 1


def test_groups_are_values_of_python() -> None:
    values = [None, False, 0.5, 1, "x", [1, {"a": "é"}]]
    given = answer(Query(by="/value"), [order(value) for value in values])
    assert [row.group["/value"] for row in given] == values


@pytest.mark.parametrize(
    ("values", "kind", "column"),
    [
        (["a", "b\n", None], pa.string(), [None, "a", "b\n"]),
        ([3, None, -1], pa.int64(), [None, -1, 3]),
        ([3, 0.5], pa.float64(), [0.5, 3.0]),
        ([2**53 + 1, 0.5], pa.string(), ["0.5", "9007199254740993"]),
        ([True, None], pa.bool_(), [None, True]),
        ([None], pa.string(), [None]),
        ([], pa.string(), []),
        ([True, "a", [1]], pa.string(), ["true", '"a"', "[1]"]),
    ],
)
def test_a_column_of_a_group_has_the_type_that_its_values_share(
    values: list[Any], kind: Any, column: list[Any]
) -> None:
    table = answer(Query(by="/value"), [order(value) for value in values]).to_arrow()
    assert table.column_names == ["/value", "value"]
    assert table.schema.field("/value").type == kind
    assert table["/value"].to_pylist() == column
    assert table.schema.field("value").type == pa.int64()


def test_every_package_reads_it() -> None:
    given = answer(Query("sum:/value", by="/country", bucket="day"), ORDERS)
    table = pa.table(given)
    assert table.schema == given.to_arrow().schema
    assert table.schema.types == [pa.timestamp("us", "UTC")] * 2 + [pa.bool_(), pa.string(), pa.float64()]
    rows = [(row.start, row.end, row.partial, row.group["/country"], float(row.value or 0)) for row in given]
    assert [tuple(row.values()) for row in table.to_pylist()] == rows
    assert polars.DataFrame(given).rows() == given.to_polars().rows() == rows
    # In polars a stream is a series of structs.
    assert polars.from_arrow(given).struct.unnest().rows() == rows  # type: ignore[union-attr]
    assert [tuple(row) for row in given.to_pandas().astype(object).itertuples(index=False)][2] == rows[2]
    for asked, expected in [("select sum(value) from given", [(5.3,)]), ("select count(*) from given", [(9,)])]:
        relation = duckdb.sql(asked)
        assert relation is not None and relation.fetchall() == expected


def test_exact_values_are_decimals_of_the_least_scale() -> None:
    given = answer(Query("sum:/value", by="/country"), ORDERS)
    table = given.to_arrow(exact=True)
    assert table.schema.field("value").type == pa.decimal128(38, 1)
    assert table["value"].to_pylist() == [Decimal("0.0"), Decimal("5.0"), Decimal("0.3")]
    assert given.to_polars(exact=True)["value"].to_list() == [0, 5, Decimal("0.3")]
    assert given.to_pandas(exact=True)["value"].tolist()[2] == Decimal("0.3")
    assert answer("count", ORDERS).to_arrow(exact=True).schema.field("value").type == pa.int64()
    assert answer("minimum:/nothing", ORDERS).to_arrow(exact=True)["value"].to_pylist() == [None]
    largest = answer("sum:/value", [order(9e37)]).to_arrow(exact=True)
    assert largest["value"].to_pylist() == [Decimal(9) * 10**37]
    for value in [1e38, 1e-39]:
        with pytest.raises(ValueError, match="38 digits"):
            answer("sum:/value", [order(value)]).to_arrow(exact=True)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    given = answer("count", ORDERS)
    for package, ask in [("pyarrow", given.to_arrow), ("polars", given.to_polars), ("pandas", given.to_pandas)]:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(ImportError, match=f"needs {package}: pip install {package}"):
                ask()


def test_it_can_be_looked_at() -> None:
    events = [order(1, country="<b>&\"'"), order(-3, country="a\nb"), order(2, country="\x1b[31m")]
    given = answer(Query("sum:/value", by="/country", bucket="month"), events)
    assert repr(given).splitlines() == [
        "start    /country    sum:/value",
        "2026-01  \\u{1b}[31m           2",
        "2026-01  <b>&\"'               1",
        "2026-01  a\\nb                -3",
    ]
    html = given._repr_html_()  # type: ignore[attr-defined]
    assert "<b>" not in html and "&lt;b&gt;&amp;&quot;&#39;" in html
    assert re.findall(r"width:([0-9.]+)%", html) == ["66.7", "33.3", "100.0"]
    many = answer(Query(by="/value"), [order(value) for value in range(100)])
    assert repr(many).endswith("… and 40 more rows") and len(repr(many).splitlines()) == 62
    assert many._repr_html_().count("<tr>") == 61  # type: ignore[attr-defined]
    assert repr(answer("average:/none", [])).splitlines() == ["average:/none", "            -"]


def test_a_collector_gives_the_same_answers(collector: Collector) -> None:
    collector.register("order", "created", {})
    countries = ["FR", "DE", None, "é"]
    events = [order(number / 10, number % 28 + 1, country=countries[number % 4]) for number in range(100)]
    asked = [
        Query(),
        Query("sum:/value", by=["/country", "source"]),
        Query("average:/value", by="/country", bucket="week", zone="America/New_York"),
        Query("maximum:/value", bucket="day", from_="2026-01-02", to="2026-01-05T12:30:00Z"),
        Query("sum:/value", by="/country", top=2, filter={"/country": ["FR", None, "é"], "/value": {"from": 1}}),
    ]
    table = pa.Table.from_pylist(events)
    with Client(collector.url, source="python") as client:
        for event in events:
            at, data = event["occurred_at"], event["data"]
            assert client.track(event["category"], event["name"], data, occurred_at=at)
        client.flush(20)
        for query in asked:
            given = client.query(query)
            assert given.source in ("rows", "cells") and given.position
            lines = "\n".join(json.dumps(event, default=datetime.isoformat) for event in events)
            for form in [events, table, lines]:
                assert answer(query, form) == given, (query, type(form))
        assert client.query("sum:/value", by="/country") == client.query(Query("sum:/value", by="/country"))
        assert client.query().rows[0].value == 100
        with pytest.raises(event_py.QueryError, match="bucket"):
            client.query(bucket="fortnight")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="no keywords"):
            client.query(Query(), by="name")


def test_what_keeps_a_collector_from_answering_is_told(collector: Collector) -> None:
    collector.key("shop")
    collector.stop()
    collector.start()
    with Client(collector.url, source="shop", send_timeout=1) as client:
        with pytest.raises(event_py.CollectorError) as told:
            client.query()
        assert told.value.reason == "refused"
        collector.stop()
        with pytest.raises(event_py.CollectorError) as told:
            client.query()
        assert told.value.reason == "unavailable"
    with pytest.raises(event_py.ClientClosedError):
        client.query()


def test_what_was_collected_can_be_counted() -> None:
    client, collected = collecting()
    for value in (1, 2):
        client.track("order", "created", {"value": value})
    assert answer("sum:/value", collected.json()).rows[0].value == 3
