"""Reads `fixtures/validation`, the cases that event-core and event-py judge alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from event_py import Registry

FIXTURES = Path(__file__).parents[2] / "fixtures" / "validation"


class Case(NamedTuple):
    title: str
    registry: Registry
    event: Any
    """The event as a value, `None` where there is only text."""
    text: str
    expected: Any
    expected_of_value: Any


def cases() -> Iterator[Case]:
    for file in sorted(FIXTURES.glob("*.json")):
        for group in json.loads(file.read_text(encoding="utf-8")):
            registry = Registry(unknown_types=group.get("unknown_types", "store"))
            registry.register("corpus", "case", group["schema"], on_violation=group.get("on_violation", "quarantine"))
            for at, case in enumerate(group["cases"]):
                event = None if "text" in case else event_of(case)
                # As serde_json writes it: the bytes are counted in messages.
                text = json.dumps(event, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
                expected = case["expected"]
                of_value = case.get("expected_of_value", expected)
                title = f"{file.stem}: {group['what']}, case {at}"
                yield Case(title, registry, event, case.get("text", text), expected, of_value)


def event_of(case: dict[str, Any]) -> Any:
    if "event" in case:
        return case["event"]
    # In the order of its text: what is counted is counted in that order.
    return {
        "category": "corpus",
        "data": made(*case["made"]) if "made" in case else case["data"],
        "id": "e-1",
        "name": "case",
        "occurred_at": "2026-01-01T00:00:00Z",
        "source": "corpus",
    }


def made(kind: str, size: int) -> dict[str, Any]:
    if kind == "depth":
        data: dict[str, Any] = {}
        for _ in range(size - 1):
            data = {"a": data}
        return data
    if kind == "nodes":
        return {"a": [1] * (size - 2)}
    if kind == "key":
        return {"k" * size: 1}
    assert kind == "string", kind
    return {"s": "x" * size}
