"""How the package is used by people who check their types strictly: read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

import event_py
from event_py import Client, Settings
from event_py.testing import collecting


def sends(url: str) -> int:
    settings = Settings(queue_events=10_000, on_full="raise", fsync=0.5, spool="/var/lib/shop")
    with Client(url, "ev_key", source="shop", **settings) as client:
        taken: bool = client.track(
            "order",
            "created",
            {"value": 12.5, "lines": [{"sku": "a", "count": 2}], "paid": None},
            session_id="visit-1",
            occurred_at=datetime.now(timezone.utc),
        )
        client.flush(timeout=1.0)
        dropped: dict[str, int] = client.stats().dropped
    return int(taken) + sum(dropped.values())


def explains(client: Client) -> list[str]:
    try:
        client.track("order", "created", {"value": 12.5})
    except event_py.ValidationError as error:
        return [
            f"{violation.pointer}: {violation.message} ({violation.limit or error.code})"
            for violation in error.violations
        ]
    except (event_py.EventTypeError, event_py.QueueFullError) as error:
        return [error.pointer if isinstance(error, event_py.EventTypeError) else error.reason]
    return []


def tested() -> list[str]:
    client, collected = collecting(source="shop")
    client.track("order", "created")
    return collected.json()


def judges(lines: bytes) -> tuple[int, list[str]]:
    registry = event_py.Registry()
    registry.register("order", "created", {"required": ["value"]}, on_violation="reject")
    warnings = registry.validate({"category": "order", "name": "created", "data": {"value": 1}})
    report = registry.validate_ndjson(lines)
    return report.valid, [violation.keyword for violation in warnings]


def asks(client: Client, events: list[dict[str, object]]) -> list[str]:
    query = event_py.Query("count", by=["name"], bucket="day", zone="Europe/Paris")
    here: event_py.Answer = event_py.answer(query, events)
    there: event_py.Answer = client.query(query)
    return [str(row.value) for answer in (here, there) for row in answer]


def only_dicts_are_taken(filter: Mapping[str, str], events: list[Mapping[str, str]]) -> None:
    event_py.Query(filter=filter)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    event_py.Query(filter=dict(filter))
    event_py.answer("count", events)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    event_py.answer("count", [dict(event) for event in events])


async def waits(url: str) -> list[str]:
    async with event_py.AsyncClient(url, source="shop") as client:
        client.track("order", "created")
        await client.flush()
        verdicts = await client.send([{"category": "order", "name": "created"}])
    return [verdict.status for verdict in verdicts]


def works(client: Client) -> list[int]:
    trial = client.types.try_out("order", "created", {"required": ["value"]}, refused=True)
    level: str = client.types.compare("order", "created", "2").level if trial.would_fail else "none"
    found = [entry.number for entry in client.quarantine.list(code="schema_violation", category="order", name=level)]
    mended = [client.quarantine.edit(number, [{"op": "remove", "path": "/data/x"}]) for number in found]
    stored = client.quarantine.replay(*(one.number for one in mended if one.verdict.status == "stored"), dry_run=True)
    client.export(format="csv", columns=["/value"], after=client.subjects.erase("ann").touched["events"]).save("a.csv")
    return [outcome.entries for outcome in stored.outcomes]


async def awaits(client: event_py.AsyncClient) -> list[str]:
    schema = (await client.types.infer("order", "created")).schema
    assert event_py.compatibility(schema, True).is_forward
    codes = [entry.code async for entry in client.quarantine.list(state="open")]
    return codes + [event.id async for event in await client.export(where={"/country": "US"})]


def infers(events: list[event_py.Event]) -> dict[str, object]:
    upcaster = event_py.Upcaster([{"step": "move", "from": "/a", "to": "/b"}])
    return event_py.infer(upcaster.apply(event) for event in events)
