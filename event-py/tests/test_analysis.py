"""A question about whole stories is asked as people think of it, and has one answer wherever the events are."""

from __future__ import annotations

import json
import pickle
import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars
import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
import pytest

import event_py
from collector import Collector
from event_py import Active, Analysis, AsyncClient, Client, Funnel, Query, Retention, Sessions, analyse, answer

UTC = timezone.utc
START = datetime(2026, 3, 28, 10, tzinfo=UTC)
NAME = {"field": "name", "equals": "a"}


def event(minutes: float, name: str, who: str | None = "ann", number: int | None = None, **data: Any) -> dict[str, Any]:
    at = START + timedelta(minutes=minutes)
    made = {"category": "page", "name": name, "occurred_at": at, "data": data}
    if who is not None:
        made |= {"session_id": f"of-{who}", "subject": who}
    return made if number is None else made | {"sequence": number}


EVENTS = [
    event(0, "pageview", number=0, country="FR"),
    event(5, "click", number=2, country="FR"),
    event(7.5, "submit", number=1),
    event(2, "pageview", "bob", country="DE"),
    event(40, "submit", "bob"),
    event(24 * 60, "pageview", "bob", country="DE"),
    event(1, "pageview", None),
]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Sessions(), {"order": "ascending", "limit": 100}),
        (
            Sessions(from_=date(2026, 3, 29), zone="Europe/Paris", order="descending", limit=2, filter={"name": "a"}),
            {"from": "2026-03-28T23:00:00Z", "filter": {"all": [NAME]}, "order": "descending", "limit": 2},
        ),
        (
            Funnel(["a"]),
            {"steps": [{"label": "a", "all": [NAME]}], "by": "session_id", "order": "ordered"},
        ),
        (
            Funnel(
                iter(["a", {"label": "paid", "name": "b", "/value": {"from": 1}}]),
                by="subject",
                window=timedelta(minutes=90),
                order="strict",
            ),
            {
                "steps": [
                    {"label": "a", "all": [NAME]},
                    {"label": "paid", "all": [{"field": "name", "equals": "b"}, {"field": "/value", "from": 1}]},
                ],
                "by": "subject",
                "window": "90m",
                "order": "strict",
            },
        ),
        (
            Retention(first="a", again={"name": "a"}, bucket="week", zone=ZoneInfo("Europe/Paris"), periods=3),
            {
                "by": "subject",
                "first": {"all": [NAME]},
                "again": {"all": [NAME]},
                "bucket": "week",
                "zone": "Europe/Paris",
                "periods": 3,
            },
        ),
        (
            Active("a", {"all": [NAME]}, key=["subject", "/job"], by="/country", at=START),
            {
                "open": {"all": [NAME]},
                "close": {"all": [NAME]},
                "key": ["subject", "/job"],
                "by": ["/country"],
                "at": "2026-03-28T10:00:00Z",
            },
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_keywords_say_what_json_says(question: Any, expected: dict[str, Any]) -> None:
    assert json.loads(question.to_json()) == expected
    again = type(question).from_json(json.dumps(expected))
    assert question == again == type(question).from_json(question.to_json().encode())
    assert hash(question) == hash(again) and isinstance(question, Analysis)
    assert eval(repr(question)) == question
    assert pickle.loads(pickle.dumps(question)) == question
    assert type(pickle.loads(pickle.dumps(question))) is type(question)
    assert question != Sessions(limit=7) and question != json.dumps(expected)


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        (lambda: Sessions(limit=0), "limit"),
        (lambda: Sessions(cursor="x"), "cursor"),
        (lambda: Sessions(order="up"), "order"),  # type: ignore[arg-type]
        (lambda: Sessions(from_=datetime(2026, 1, 1)), "from_"),
        (lambda: Sessions(from_="yesterday"), "from_"),
        (lambda: Sessions(filter="name"), "filter"),  # type: ignore[arg-type]
        (lambda: Funnel([]), "steps"),
        (lambda: Funnel(b"ab"), "steps"),  # type: ignore[arg-type]
        (lambda: Funnel({"a", "b"}), "steps"),
        (lambda: Funnel(3), "steps"),  # type: ignore[arg-type]
        (lambda: Funnel([3]), "steps"),  # type: ignore[list-item]
        (lambda: Funnel([{"colour": "red"}]), "steps"),
        (lambda: Funnel([{"/a": object()}]), "steps"),
        (lambda: Funnel(["a"], window="soon"), "window"),
        (lambda: Funnel(["a"], window=timedelta(-1)), "window"),
        (lambda: Funnel(["a"], by=["subject"]), "by"),  # type: ignore[arg-type]
        (lambda: Retention(first=3), "first"),  # type: ignore[arg-type]
        (lambda: Retention(again={"name": object()}), "again"),
        (lambda: Retention(periods=0), "periods"),
        (lambda: Retention(bucket="fortnight"), "bucket"),  # type: ignore[arg-type]
        (lambda: Active("a", []), "close"),  # type: ignore[arg-type]
        (lambda: Active("a", "b", at="never"), "at"),
        (lambda: Active("a", "b", at=START, bucket="day"), "at"),
        (lambda: Active("a", "b", key={"subject"}), "key"),
    ],
)
def test_an_error_names_its_parameter(make: Any, parameter: str) -> None:
    with pytest.raises(event_py.QueryError) as told:
        make()
    assert told.value.parameter == parameter
    assert str(told.value).startswith(f"{parameter}: ")


def test_what_is_no_question_is_told() -> None:
    with pytest.raises(TypeError):
        Funnel()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Analysis()
    with pytest.raises(TypeError, match="Sessions, Funnel, Retention or Active"):
        analyse(Query(), EVENTS)  # type: ignore[arg-type]
    with pytest.raises(event_py.QueryError, match="colour"):
        Sessions.from_json('{"colour": "red"}')


def test_sessions_have_their_lengths_and_what_is_missing() -> None:
    visits = analyse(Sessions(), EVENTS)
    ann = {"session_id": "of-ann", "start": START, "end": START + timedelta(minutes=7.5), "length": Decimal(450)}
    assert visits.rows[0] == ann | {"events": 3, "missing": 0, "reordered": 1}
    assert [visit["session_id"] for visit in visits] == ["of-ann", "of-bob"]
    assert (visits.total, visits.events, visits.length, visits.next) == (2, 6, Decimal(450 + 86_280), None)
    assert (visits.source, visits.position, len(visits)) == ("memory", None, 2)
    first = analyse(Sessions(limit=1), EVENTS)
    assert first.rows == visits.rows[:1] and first.next is not None and first.total == 2
    second = analyse(Sessions(limit=1, cursor=first.next), EVENTS)
    assert second.rows == visits.rows[1:] and second.next is None
    assert json.loads(first.to_json())["sessions"][0]["length"] == "450"


def test_a_funnel_has_a_row_for_each_step() -> None:
    steps = analyse(Funnel(["pageview", {"name": "submit", "label": "sent"}], window="30m"), EVENTS)
    assert steps.rows == [
        {"label": "pageview", "reached": 2, "of_first": 1, "of_previous": 1, "median": None},
        {"label": "sent", "reached": 1, "of_first": Decimal("0.5"), "of_previous": Decimal("0.5"), "median": 450},
    ]
    assert type(steps.rows[0]["reached"]) is int and type(steps.rows[1]["median"]) is Decimal
    assert (steps.total, steps.events, steps.length, steps.next) == (None, None, None, None)
    longer = analyse(Funnel(["pageview", "submit"], window=timedelta(hours=1)), EVENTS)
    assert [step["reached"] for step in longer] == [2, 2]


def test_a_retention_has_a_row_for_each_cohort_and_period() -> None:
    cohorts = analyse(Retention(periods=2, first="pageview", filter={"subject": ["ann", "bob"]}), EVENTS)
    day = datetime(2026, 3, 28, tzinfo=UTC)
    bucket = {"start": day, "end": day + timedelta(days=1), "partial": False, "size": 2}
    assert cohorts.rows == [bucket | {"period": 0, "returned": 2}, bucket | {"period": 1, "returned": 1}]


def test_what_is_active_has_a_row_for_each_bucket_and_group() -> None:
    asked = Active("pageview", "submit", by="/country", bucket="hour", to=START + timedelta(hours=1))
    hour = {"start": START, "end": START + timedelta(hours=1), "partial": False}
    # One without a subject stays open: its key is that it has none.
    nobody = {"open": 0, "opened": 1, "closed": 0, "minimum": 0, "maximum": 1, "average": Decimal("0.983333333333")}
    assert analyse(asked, EVENTS).rows == [
        hour | {"/country": None} | nobody,
        hour
        | {"/country": "DE", "open": 0, "opened": 1, "closed": 1, "minimum": 0, "maximum": 1}
        | {"average": Decimal("0.633333333333")},
        hour
        | {"/country": "FR", "open": 1, "opened": 1, "closed": 1, "minimum": 0, "maximum": 1}
        | {"average": Decimal("0.125")},
    ]
    now = analyse(Active("pageview", "submit", at=START + timedelta(minutes=6)), EVENTS)
    assert [row["open"] for row in now] == [3]


def test_every_package_reads_it() -> None:
    visits = analyse(Sessions(), EVENTS)
    table = pa.table(visits)
    time = pa.timestamp("us", "UTC")
    assert table.schema.types == [pa.string(), time, time, pa.float64(), pa.int64(), pa.int64(), pa.int64()]
    assert table.column_names == list(visits.rows[0])
    assert table.to_pylist() == visits.rows
    assert polars.DataFrame(visits).rows(named=True) == visits.to_polars().rows(named=True) == visits.rows
    assert visits.to_pandas()["events"].tolist() == [3, 3]
    assert visits.to_arrow(exact=True).schema.field("length").type == pa.decimal128(38, 0)
    relation = duckdb.sql("select sum(events) from visits")
    assert relation is not None and relation.fetchall() == [(6,)]
    for question in [Funnel(["a"]), Retention(), Active("a", "b", by=["name", "/x"], bucket="day"), Sessions()]:
        nothing = analyse(question, [])
        assert nothing.to_arrow().num_rows == len(nothing.rows)
        assert nothing.to_arrow().num_columns >= 5


def test_it_can_be_looked_at() -> None:
    steps = analyse(Funnel(["pageview", {"label": "<b>\x1b", "name": "submit"}]), EVENTS)
    assert repr(steps).splitlines() == [
        "label      reached  of_first  of_previous  median",
        "pageview         2         1            1       -",
        "<b>\\u{1b}        2         1            1     450",
    ]
    html = steps._repr_html_()  # type: ignore[attr-defined]
    assert "<b>" not in html and html.count("width:100.0%") == 2
    active = analyse(Active("pageview", "submit", bucket="day", from_=START, to="2026-03-29"), EVENTS)
    assert repr(active).splitlines()[1].startswith("2026-03-28 (partial) ")
    paris = analyse(Retention(zone="Europe/Paris", bucket="hour", periods=1), EVENTS)
    assert repr(paris).splitlines()[1].startswith("2026-03-28 11:00 CET     2  ")


def story(chance: random.Random) -> dict[str, Any]:
    who = chance.choice(["ann", "bob", "cid", None])
    minutes = chance.randrange(3000) / 2
    number = chance.choice([None, chance.randrange(5)])
    value = chance.choice([1, 0.5, "x", None, 2**53 + 1])
    return event(minutes, chance.choice(["pageview", "click", "submit"]), who, number, value=value)


QUESTIONS = [
    Sessions(),
    Sessions(limit=1, order="descending", filter={"name": ["pageview", "submit"]}),
    Funnel(["pageview", "click", "submit"]),
    Funnel(["pageview", "submit"], by="subject", order="strict", window="2h"),
    Funnel(["submit", {"/value": 0.5}], order="any", from_=START + timedelta(hours=3)),
    Retention(bucket="hour"),
    Retention(first="pageview", again="submit", zone="Europe/Paris", by="session_id"),
    Active("pageview", "submit", bucket="hour", by="/value"),
    Active("pageview", {"name": ["submit", "click"]}, key=["subject", "session_id"]),
    Active("pageview", "submit", at=START + timedelta(hours=4)),
]


def test_every_form_and_a_collector_give_the_same(collector: Collector) -> None:
    for name in ["pageview", "click", "submit"]:
        collector.register("page", name, {})
    chance = random.Random(6)
    events = [story(chance) for _ in range(200)]
    lines = "\n".join(json.dumps(event, default=datetime.isoformat) for event in events)
    given = [event | {"data": json.dumps(event["data"])} for event in events]
    names = ["category", "name", "occurred_at", "session_id", "subject", "sequence", "data"]
    table = pa.table({name: pa.array([event.get(name) for event in given]) for name in names})
    with Client(collector.url, source="python") as client:
        # A client would number the events of a session.
        collector.request("POST", "/v1/events", [plain(event) for event in events])
        for question in QUESTIONS:
            here = analyse(question, events)
            there = client.query(question)
            assert there.source == "rows" and there.position == 200
            assert there.rows == here.rows and there == here, question
            for form in [lines, lines.encode(), table, polars.DataFrame(table), map(json.dumps, map(plain, events))]:
                assert analyse(question, form) == here, (question, type(form))  # type: ignore[arg-type]
            assert here != analyse(question, []), question
        with pytest.raises(TypeError, match="no keywords"):
            client.query(Sessions(), by="name")  # type: ignore[call-overload]
        for measure in [
            "unique:subject",
            "about_unique:subject",
            "unique:/value",
            "p95:/value",
            "percentile:12.5:/value",
            "median:/value",
        ]:
            query = Query(measure, by="name", bucket="day")
            assert client.query(query) == answer(query, events) == answer(query, table), measure


def plain(event: dict[str, Any]) -> Any:
    return event | {"occurred_at": event["occurred_at"].isoformat()}


async def ask(url: str) -> list[dict[str, Any]]:
    async with AsyncClient(url, source="python") as client:
        await client.send(EVENTS)
        return (await client.query(Funnel(["pageview"]))).rows


def test_a_coroutine_asks_too(collector: Collector) -> None:
    import asyncio

    for name in ["pageview", "click", "submit"]:
        collector.register("page", name, {})
    assert asyncio.run(ask(collector.url))[0]["reached"] == 2


def test_what_keeps_a_collector_from_answering_is_told(collector: Collector) -> None:
    collector.stop()
    with Client(collector.url, source="shop", send_timeout=1, exit_timeout=0) as client:
        with pytest.raises(event_py.CollectorError) as told:
            client.query(Sessions())
        assert told.value.reason == "unavailable"


def test_every_event_has_a_time() -> None:
    timeless = {"category": "page", "name": "pageview", "session_id": "a"}
    with pytest.raises(event_py.ValidationError) as told:
        analyse(Sessions(), [timeless])
    assert told.value.code == "invalid_timestamp" and told.value.violations[0].pointer == "/0/occurred_at"
    with pytest.raises(event_py.ValidationError, match="row 0"):
        analyse(Sessions(), pa.table({"session_id": ["a"]}))


@pytest.mark.parametrize("numbers", [["1"], [1.5], [-1], [True]])
def test_a_number_of_the_sender_is_a_whole_one(numbers: list[Any]) -> None:
    table = pa.table({"session_id": ["a"], "occurred_at": [START], "sequence": numbers})
    with pytest.raises(event_py.ValidationError) as told:
        analyse(Sessions(), table)
    assert told.value.violations[0].pointer == "/sequence"
    assert answer("count", table).rows[0].value == 1


def test_values_that_are_counted_and_ranked() -> None:
    values = [3, 1, 2, "x", None, 1, 0.5]
    events = [event(0, "a", value=value) for value in values]
    (row,) = answer("unique:/value", events)
    assert row.value == 5 and type(row.value) is int
    for measure, value in [("p50:/value", 1), ("median:/value", 1), ("percentile:90:/value", 3), ("p0:/value", None)]:
        if value is not None:
            (row,) = answer(measure, events)
            assert row.value == value and type(row.value) is Decimal, measure
    assert answer("unique:/value", events).to_arrow(exact=True)["value"].type == pa.int64()
    assert answer("p10:/value", events).to_arrow(exact=True)["value"].to_pylist() == [Decimal("0.5")]
    assert answer("p10:/value", events).to_polars()["value"].to_list() == [0.5]
    assert answer("median:/nothing", events).rows[0].value is None
    about = answer("approx_unique:/value", events)
    assert about.rows == answer("unique:/value", events).rows and type(about.rows[0].value) is int
    assert about.standard_error == Decimal("0.01625") and answer("unique:/value", events).standard_error is None
    assert about.to_arrow(exact=True)["value"].type == pa.int64()
    tally = event_py.Tally("unique:/value")
    tally.add(events[:3])
    tally.add(events[2:])
    assert tally.answer() == answer("unique:/value", events)
