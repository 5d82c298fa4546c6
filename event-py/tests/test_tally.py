"""Whatever form events have, a question has one answer."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas  # type: ignore[import-untyped, import-not-found, unused-ignore]
import polars
import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pytest

import event_py
from event_py import Frame, Query, Tally, answer

LONG = bool(os.environ.get("EVENT_TEST_LONG"))
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
TEXTS = ["", "a", "b", 'q"\\', "é\n", "FR", "1"]
START = datetime(2026, 3, 27, tzinfo=timezone.utc)
FIELDS = ["category", "name", "version", "source", "session_id", "subject"]
FIELDS += ["/text", "/int", "/float", "/bool", "/deep/text", "/deep/float", "/list/1", "/none"]
NUMBERS = [0.1, 0.2, 12.5, 1e-7, 1e19, -3.0, 2.0**53, 123456.789, 0.30000000000000004, 1e300]


def event(chance: random.Random) -> dict[str, Any]:
    """An event of which each part may be missing, with data that a table can have: a column has one type."""
    parts: dict[str, Callable[[], Any]] = {
        "version": lambda: chance.choice("12"),
        "source": lambda: chance.choice(["shop", "app"]),
        "session_id": lambda: chance.choice(["s1", "s2"]),
        "subject": lambda: chance.choice(["ann", "bob"]),
        "data": lambda: data(chance),
    }
    at = START + timedelta(microseconds=chance.randrange(5 * 24 * 3600 * 10**6))
    made = {name: part() for name, part in parts.items() if chance.random() < 0.8}
    return {"category": chance.choice(["order", "page"]), "name": chance.choice(TEXTS[1:3]), "occurred_at": at, **made}


def data(chance: random.Random) -> dict[str, Any]:
    parts: dict[str, Callable[[], Any]] = {
        "text": lambda: chance.choice(TEXTS),
        "int": lambda: chance.choice([0, 1, -7, 2**63 - 1, -(2**63), 10**15]),
        "float": lambda: chance.choice(NUMBERS),
        "bool": lambda: chance.random() < 0.5,
        "deep": lambda: {"text": chance.choice(TEXTS), "float": chance.choice(NUMBERS)},
        "list": lambda: chance.choices([1, 2, 3], k=chance.randrange(3)),
        "none": lambda: None,
    }
    return {name: part() for name, part in parts.items() if chance.random() < 0.8}


def query(chance: random.Random) -> Query:
    measure = chance.choice(["count", "sum", "average", "minimum", "maximum"])
    if measure != "count":
        measure += ":" + chance.choice(FIELDS[6:])
    tests: list[Any] = [None, "a", "ann", 1, 0.1, True, ["a", "FR", None], [1, 2, 12.5], {"from": 0, "to": 13}]
    tests += [{"from": "a"}, {"contains": '"'}]
    bucket: Any = chance.choice([None, "hour", "day", "week", "month"])
    return Query(
        measure,
        by=chance.sample(FIELDS, chance.choice([0, 1, 1, 2])),
        bucket=bucket,
        zone=chance.choice(ZONES) if bucket else "UTC",
        from_=chance.choice([None, START + timedelta(days=1, seconds=1)]),
        to=chance.choice([None, START + timedelta(days=4)]),
        top=chance.choice([None, None, 2]),
        filter={chance.choice(FIELDS): chance.choice(tests) for _ in range(chance.randrange(2))},
    )


STRUCT = pa.struct(
    {
        "text": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "deep": pa.struct({"text": pa.string(), "float": pa.float64()}),
        "list": pa.list_(pa.int32()),
        "none": pa.null(),
    }
)
TEXT = pa.string()
ENVELOPE = {name: TEXT for name in FIELDS[:6]}
SCHEMA = pa.schema({**ENVELOPE, "occurred_at": pa.timestamp("us", "Europe/Paris"), "data": STRUCT})


# Polars gives columns without any type in a way that Arrow's own library does not read.
TYPED = SCHEMA.set(7, pa.field("data", pa.struct([field for field in STRUCT if field.name != "none"])))


def in_columns(events: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> pa.Table:
    return pa.Table.from_pylist(events, schema=schema)


def flat(table: pa.Table) -> pa.Table:
    """The members of the data as columns of their own; dictionaries, views, nanoseconds and no zone."""
    columns = {name: table[name].dictionary_encode() for name in FIELDS[:6]}
    columns["timestamp"] = table["occurred_at"].cast(pa.timestamp("ns", "UTC")).cast(pa.timestamp("ns"))
    data = table["data"].combine_chunks()
    columns |= {name: data.field(place) for place, name in enumerate(field.name for field in STRUCT)}
    # A row without data has none of its members.
    nulls = data.is_null()
    for field in STRUCT:
        columns[field.name] = pa.compute.if_else(nulls, pa.scalar(None, field.type), columns[field.name])
    columns["text"] = columns["text"].cast(pa.string_view())
    columns["name"] = table["name"].cast(pa.large_string())
    return pa.table(columns)


def as_text(events: list[dict[str, Any]]) -> pa.Table:
    """The data as JSON text, and times as text."""
    rows = [{**event, "occurred_at": event["occurred_at"].isoformat()} for event in events]
    rows = [{**row, "data": json.dumps(row["data"]) if "data" in row else None} for row in rows]
    return pa.Table.from_pylist(rows, schema=pa.schema({**ENVELOPE, "occurred_at": TEXT, "data": TEXT}))


def lines(events: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(event, default=datetime.isoformat) for event in events).encode()


@pytest.mark.parametrize("seed", range(2000 if LONG else 120))
def test_dicts_tables_and_lines_have_one_answer(seed: int) -> None:
    chance = random.Random(seed)
    events = [event(chance) for _ in range(chance.choice([0, 1, 40]))]
    asked = query(chance)
    expected = answer(asked, events)
    table = in_columns(events)
    batches = pa.RecordBatchReader.from_batches(SCHEMA, table.to_batches(max_chunksize=7))
    forms: list[Any] = [
        table,
        batches,
        flat(table),
        as_text(events),
        polars.DataFrame(in_columns(events, TYPED)),
        lines(events),
    ]
    for form in forms:
        assert answer(asked, form).to_json() == expected.to_json(), (asked, type(form))
    for form in [events, table, flat(table), lines(events)]:
        frame = Frame(FIELDS)
        frame.add(form)
        assert frame.answer(asked).to_json() == expected.to_json(), (asked, type(form))


def test_many_rows_are_counted_on_all_cores_as_on_one() -> None:
    chance = random.Random(1)
    events = [event(chance) for _ in range(200)]
    asked = Query("sum:/float", by=["/text", "source"], bucket="day", zone="Europe/Paris")
    many = pa.concat_tables([in_columns(events)] * 100).combine_chunks()
    tally = Tally(asked)
    part = Tally(asked)
    part.add(events)
    for _ in range(100):
        tally.merge(part)
    assert tally.answer() == answer(asked, many)
    assert tally.answer() == answer(asked, lines(events * 50) + b"\n" + lines(events * 50))
    frame = Frame(["/float", "/text", "source", "/nowhere"])
    frame.add(many)
    assert tally.answer() == frame.answer(asked)
    assert frame.answer("unique:/nowhere", filter={"/text": "a"}) == answer(
        Query("unique:/nowhere", filter={"/text": "a"}), many
    )
    with pytest.raises(event_py.QueryError, match="no column for subject"):
        frame.answer(by="subject")


@pytest.fixture
def orders() -> list[dict[str, Any]]:
    return [
        {"category": "order", "name": "created", "timestamp": f"2026-01-0{day}", "data": {"value": day / 10}}
        for day in range(1, 10)
    ]


def test_every_package_gives_its_tables(orders: list[dict[str, Any]]) -> None:
    asked = Query("sum:/value", by="name", bucket="day")
    expected = answer(asked, orders)
    table = pa.Table.from_pylist(orders)
    rows = duckdb.from_arrow(table)
    tables: list[Any] = [table, table.to_batches()[0], polars.DataFrame(table), table.to_pandas(), rows]
    tables.append(pandas.DataFrame([{**order, **order["data"]} for order in orders]).drop(columns="data"))
    for form in tables:
        assert answer(asked, form) == expected, type(form)
    assert [row.value for row in expected] == [Decimal(day) / 10 for day in range(1, 10)]


def test_lines_come_from_everywhere(orders: list[dict[str, Any]], tmp_path: Path) -> None:
    text = lines(orders) + b"\r\n\n"
    path = tmp_path / "orders.ndjson"
    path.write_bytes(text)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 7))

    forms: list[Any] = [text, text.decode(), bytearray(text), memoryview(text), path, io.BytesIO(text), Slow(text)]
    for form in forms:
        assert answer("count", form).rows[0].value == 9, type(form)
    with path.open("rb") as file:
        assert answer("count", file).rows[0].value == 9
    with path.open() as words, pytest.raises(TypeError, match="binary mode"):
        answer("count", words)
    with pytest.raises(FileNotFoundError):
        answer("count", tmp_path / "nothing")


def test_objects_that_write_themselves_are_events(orders: list[dict[str, Any]]) -> None:
    class Own:
        def to_json(self) -> str:
            return json.dumps(orders[0])

    assert answer("count", (Own() for _ in range(3))).rows[0].value == 3
    assert answer("count", [json.dumps(order) for order in orders]).rows[0].value == 9
    with pytest.raises(TypeError, match="a list of one event"):
        answer("count", orders[0])


def test_what_is_no_event_is_told_with_its_place(orders: list[dict[str, Any]]) -> None:
    with pytest.raises(event_py.ValidationError, match="required") as told:
        answer("count", [*orders, {"category": "order"}])
    assert (told.value.code, told.value.violations[0].pointer) == ("invalid_type", "/9/name")
    with pytest.raises(event_py.ValidationError) as told:
        answer("count", [*orders, {**orders[0], "data": {"value": float("nan")}}])
    assert (told.value.code, told.value.violations[0].pointer) == ("non_finite_number", "/9/data/value")
    with pytest.raises(event_py.EventTypeError, match="/1/data/value"):
        answer("count", [orders[0], {**orders[0], "data": {"value": Decimal(1)}}])
    for number in [1, 2, 5_000]:
        text = lines(orders[:1]) + b"\n"
        with pytest.raises(event_py.ValidationError, match=f"^line {number + 1}: malformed_json"):
            answer("count", text * number + b"{\n" + text)
    with pytest.raises(event_py.ValidationError, match="^line 1: event_too_large"):
        answer("count", io.BytesIO(b" " * 30_000_000))


def test_questions_about_time_need_times() -> None:
    timeless = {"category": "order", "name": "created"}
    assert answer("count", [timeless]).rows[0].value == 1
    table = pa.table({"category": ["order"], "occurred_at": pa.array([None], pa.timestamp("s"))})
    forms: list[Any] = [[timeless], lines([timeless]), pa.table({"category": ["order"]}), table]
    for form in forms:
        assert answer("count", form).rows[0].value == 1
        for asked in [Query(bucket="day"), Query(from_="2026-01-01")]:
            with pytest.raises(event_py.ValidationError, match="about time") as told:
                answer(asked, form)
            assert told.value.code == "invalid_timestamp"
    both = pa.table({"occurred_at": ["2026-01-01"], "timestamp": ["2026-01-01"]})
    with pytest.raises(event_py.ValidationError, match="row 0: duplicate_key"):
        answer(Query(bucket="day"), both)


DAY = Query(bucket="day")


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), *map(pa.timestamp, ["s", "ms", "us", "ns"])])
def test_a_time_of_any_type_is_in_range_or_refused(kind: pa.DataType) -> None:
    column = pa.array([date(2026, 1, 3), date(2026, 1, 2)], pa.date32()).cast(kind)
    rows = [{"category": "c", "name": "n", "occurred_at": f"2026-01-0{day}"} for day in (2, 3)]
    assert answer(DAY, pa.table({"occurred_at": column})) == answer(DAY, rows)
    # The last of the days would wrap around to a time in range.
    size, days = (4, [2**31 - 1, -(2**31), -1, 213_503_983]) if kind == pa.date32() else (8, [2**63 - 1, -(2**63), -1])
    if kind == pa.timestamp("ns"):
        days = [-(2**63), -1]
    for day in days:
        buffer = pa.py_buffer(day.to_bytes(size, sys.byteorder, signed=True))
        table = pa.table({"occurred_at": pa.Array.from_buffers(kind, 1, [None, buffer])})
        with pytest.raises(event_py.ValidationError, match="row 0: timestamp_out_of_range at /occurred_at"):
            answer(DAY, table)


NUMBER = Query("sum:/value", by="/value")


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_integers_of_every_length(kind: str) -> None:
    values = [1, 0, None, 100]
    expected = answer(NUMBER, [{"category": "c", "name": "n", "data": {"value": value}} for value in values])
    assert answer(NUMBER, pa.table({"value": pa.array(values, kind)})) == expected
    keys = pa.array(values, kind).dictionary_encode()
    assert answer(NUMBER, pa.table({"value": keys})) == expected


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_floats_are_what_they_are(kind: pa.DataType) -> None:
    column = pa.array([0.5, 0.1, None, -3.0, 1e4], kind)
    rows = [{"category": "c", "name": "n", "data": {"value": value}} for value in column.to_pylist()]
    assert answer(NUMBER, pa.table({"value": column})) == answer(NUMBER, rows)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 2), pa.decimal64(18, 4), pa.decimal32(9, 3), pa.decimal128(38, 20)])
def test_decimals_are_read_as_their_json(kind: pa.DataType) -> None:
    column = pa.array([Decimal("0.5"), Decimal("1200"), None, Decimal("-12.25"), Decimal("0.1")], kind)
    rows = [f'{{"category":"c","name":"n","data":{{"value":{value or "null"}}}}}' for value in column.to_pylist()]
    assert answer(NUMBER, pa.table({"value": column})) == answer(NUMBER, rows)


def test_long_decimals_become_floats_or_are_refused_as_in_json() -> None:
    long = Decimal("12345678901234567890.25")
    (row,) = answer("sum:/value", pa.table({"value": pa.array([long], pa.decimal128(38, 2))})).rows
    assert row.value == Decimal("12345678901234567000")
    beyond = pa.table({"value": pa.array([2**63], pa.decimal128(38, 0))})
    with pytest.raises(event_py.ValidationError, match="row 0: number_out_of_range at /value"):
        answer("sum:/value", beyond)


def test_numbers_that_json_does_not_have_are_refused_where_they_are_asked_for() -> None:
    for column, code in [
        ([1.0, float("nan")], "non_finite_number"),
        (pa.array([1, 2**63], "uint64"), "number_out_of_range"),
    ]:
        table = pa.table({"value": column, "other": [1, 2]})
        assert answer("sum:/other", table).rows[0].value == 3
        for asked in [Query("sum:/value"), Query(by="/value"), Query(filter={"/value": 1})]:
            with pytest.raises(event_py.ValidationError, match=f"row 1: {code} at /value"):
                answer(asked, table)


def test_a_column_that_cannot_be_asked_for_is_named() -> None:
    table = pa.table(
        {
            "name": [1],
            "when": [START],
            "occurred_at": [True],
            "bytes": [b"x"],
            "deep": [{"a": {"b": 1}}],
            "data": [1],
        }
    )
    for asked, column in [
        (Query(by="name"), "name"),
        (Query(bucket="day"), "occurred_at"),
        (Query(by="/when"), "data"),
    ]:
        with pytest.raises(event_py.EventTypeError, match=f'the column "{column}" is of type'):
            answer(asked, table)
    table = table.drop_columns("data")
    for field, column in [("/when", "when"), ("/bytes", "bytes"), ("/deep", "deep"), ("/deep/a", "deep")]:
        with pytest.raises(event_py.EventTypeError, match=f'the column "{column}" is of type') as told:
            answer(Query(by=field), table)
        assert told.value.pointer == f"/{column}"
    assert answer(Query("sum:/deep/a/b"), table).rows[0].value == 1
    # What is not asked for is not looked at.
    assert answer("count", table).rows[0].value == 1


@pytest.mark.parametrize("kind", [pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_(pa.int32(), 2)])
def test_elements_of_lists_of_every_kind(kind: pa.DataType) -> None:
    values = [[9, 9], [1, 2], None, [None, 4], [5, 6]]
    rows = [{"category": "c", "name": "n", "data": {"list": value}} for value in values]
    table = pa.table({"list": pa.array(values, kind)})
    for place in ["0", "1", "2", "01", "a"]:
        asked = Query(f"sum:/list/{place}", by=f"/list/{place}")
        assert answer(asked, table) == answer(asked, rows)
        assert answer(asked, table[1:]) == answer(asked, rows[1:])
    deep = pa.table({"deep": pa.array([[{"a": [1, 2]}], [{"a": None}]], pa.list_(pa.struct({"a": kind}), 1))})
    assert answer("sum:/deep/0/a/1", deep).rows[0].value == 2
    with pytest.raises(event_py.EventTypeError, match="ask for a place inside of it"):
        answer(Query(by="/list"), table)


@pytest.mark.parametrize(
    ("column", "advice"),
    [
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), "give a struct instead, or the data as JSON text"),
        (pa.array([[1]], pa.list_view(pa.int64())), "cast it to a list"),
        (pa.array([[1]], pa.large_list_view(pa.int64())), "cast it to a list"),
        (pa.RunEndEncodedArray.from_arrays([1], [1]), "decode its runs first"),
        (pa.array([b"a"]), "cast it to text or to a number"),
    ],
)
def test_what_can_be_done_about_a_column_is_told(column: pa.Array, advice: str) -> None:
    for field in ["/value", "/value/0", "/value/a"]:
        with pytest.raises(event_py.EventTypeError, match=f": {advice}$"):
            answer(Query(by=field), pa.table({"value": column}))


def test_a_row_that_is_null_is_no_event() -> None:
    whole, part = pa.array([{"category": "a"}]), pa.array([{"category": "a"}, None])
    assert answer("count", pa.chunked_array([whole, whole])) == answer("count", pa.concat_arrays([whole, whole]))
    for table in [part, pa.chunked_array([whole, part])]:
        with pytest.raises(ValueError, match="the table cannot be read: .*a row is null"):
            answer("count", table)
    for table in [pa.array([1]), pa.chunked_array([[1]])]:
        with pytest.raises(TypeError, match="a table is an array of structs, not of Int64"):
            answer("count", table)


def test_the_data_goes_before_other_columns() -> None:
    columns = {"a": [1, 2], "b": [10, 20]}
    struct = pa.array([{"a": 100}, None], pa.struct({"a": pa.int64()}))
    for data in [struct, pa.array(['{"a": 100}', '{"a": null}'])]:
        table = pa.table({**columns, "data": data})
        assert answer("sum:/a", table).rows[0].value == 100
        assert answer("sum:/b", table).rows[0].value == 30
    with pytest.raises(event_py.ValidationError, match="row 1: malformed_json at /data"):
        answer("sum:/a", pa.table({"data": ["{}", "{"]}))


def test_the_envelope_is_no_data() -> None:
    rest = {"id": "1", "version": "1", "source": "shop", "session_id": "s", "sequence": 1, "subject": "ann"}
    rest |= {"occurred_at": "2026-01-01T00:00:00Z", "sent_at": "2026-01-01T00:00:00Z"}
    event = {"category": "order", "name": "paid", **rest, "data": {}}
    for name in [*event, "timestamp"]:
        asked = Query(by=f"/{name}")
        table = pa.table({key: [value] for key, value in event.items() if key != "data"} | {"data": ["{}"]})
        assert answer(asked, table) == answer(asked, [event])
        assert [row.group for row in answer(asked, table)] == [{f"/{name}": None}]


def test_tallies_merge_and_are_as_they_were_after_an_error(orders: list[dict[str, Any]]) -> None:
    asked = Query("average:/value", by="name")
    tally, other = Tally(asked), Tally("average:/value", by="name")
    tally.add(orders[:4])
    with pytest.raises(event_py.ValidationError):
        tally.add([orders[0], {}])
    other.add(lines(orders[4:]))
    tally.merge(other)
    assert tally.answer() == answer(asked, orders)
    assert other.answer() == answer(asked, orders[4:])
    tally.merge(tally)
    assert tally.answer() == answer(asked, orders)
    with pytest.raises(event_py.QueryError, match="two questions"):
        tally.merge(Tally())


def test_a_frame_is_filled_bit_by_bit_and_says_what_it_has_not(orders: list[dict[str, Any]]) -> None:
    frame = Frame(("name", "/value", "name"))
    assert (frame.fields, len(frame)) == (["name", "/value"], 0)
    assert frame.answer() == answer("count", [])
    frame.add(orders[:4])
    with pytest.raises(event_py.ValidationError):
        frame.add([orders[0], {}])
    frame.add(in_columns([]))
    frame.add(lines(orders[4:]))
    assert len(frame) == len(orders)
    days = Query("average:/value", by="name", bucket="day", filter={"/value": {"from": 0.2}})
    assert frame.answer(days) == answer(days, orders)
    assert frame.answer("sum:/value", by="name") == answer(Query("sum:/value", by="name"), orders)
    with pytest.raises(event_py.QueryError, match="no column for subject"):
        frame.answer(by="subject")
    with pytest.raises(event_py.QueryError, match='fields: "value": a field is category, name') as caught:
        Frame(["value"])
    assert caught.value.parameter == "fields"
    with pytest.raises(event_py.ValidationError, match="the question is about time, and here is none"):
        frame.add(pa.table({"value": [1]}))
    with pytest.raises(TypeError):
        Frame("name")


def test_threads_count_into_one_tally(orders: list[dict[str, Any]]) -> None:
    tally = Tally("sum:/value")
    threads = [threading.Thread(target=tally.add, args=(orders * 50,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.answer().rows[0].value == Decimal("4.5") * 400


def test_an_answer_that_is_too_large_is_refused(orders: list[dict[str, Any]]) -> None:
    far = [orders[0], {**orders[0], "timestamp": "2999-01-01"}]
    with pytest.raises(event_py.QueryError) as told:
        answer(Query(bucket="minute"), far)
    assert told.value.code == "range_too_large"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_counts_on_all_cores_too(orders: list[dict[str, Any]]) -> None:
    text = (lines(orders) + b"\n") * 1_000
    assert answer("count", text).rows[0].value == 9_000
    child = os.fork()
    if child == 0:
        os._exit(0 if answer("count", text).rows[0].value == 9_000 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_counts_on_while_another_thread_was_counting() -> None:
    tally, part = Tally(by="/id", top=1), Tally(by="/id", top=1)
    part.add(pa.table({"id": range(30_000)}))
    ended = threading.Event()

    def count() -> None:
        while not ended.is_set():
            tally.merge(part)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for _ in range(5):
            time.sleep(0.05)
            child = os.fork()
            if child == 0:
                # A child that waits for a lock is ended, whatever it waits for.
                signal.alarm(10)
                tally.add([{"category": "order", "name": "paid"}])
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        ended.set()
        thread.join()


def test_many_parts_are_counted_once_each() -> None:
    tally, orders = Tally(by="name"), [{"category": "order", "name": name} for name in ("created", "paid")]
    for count in range(1, 100):
        tally.add(orders if count % 3 else orders[:1])
        assert [row.value for row in tally.answer()] == [count, count - count // 3]


COUNTS = """
import event_py
text = b'{"category": "order", "name": "paid"}\\n' * 50_000
print(event_py.answer("count", text).rows[0].value)
try:
    event_py.answer("count", text + b"{\\n" + text + b"{\\n")
except event_py.ValidationError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads may be that large")
def test_without_a_thread_to_be_had_this_one_counts() -> None:
    # No system has threads with so large a stack.
    environment = {**os.environ, "RUST_MIN_STACK": str(2**46)}
    run = subprocess.run([sys.executable, "-c", COUNTS], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout.startswith("50000\nline 50001: malformed_json"), run
