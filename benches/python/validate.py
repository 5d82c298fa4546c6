"""Validation from Python, side by side with the peers: nanoseconds an event, of a page view and of an order.

Install `requirements.txt` and a release build of event-py, then `python benches/python/validate.py [rounds]`. All take
turns in every round, on the same events, of which 2 % are bad; each must find the same ones. What is told of each is
the median and the least of its rounds, and how many times faster than it event-py is, where both read the same form.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import event_py
import fastjsonschema
import jsonschema_rs
import msgspec
import orjson
import pydantic

EVENTS = 2_000
LABEL = {"type": "string", "minLength": 1, "maxLength": 100}
ENVELOPE = {"category": LABEL, "name": LABEL, "id": {"type": "string", "minLength": 1, "maxLength": 128}}


def page_view(number: int) -> dict[str, Any]:
    return {
        "path": "/" if number % 50 else 7,
        "title": "Tea & more",
        "referrer": "https://search.example/?q=tea",
        "width": 1280,
        "height": 720,
        "language": "en",
        "returning": bool(number % 2),
        "load_ms": 412.5,
    }


def order(number: int) -> dict[str, Any]:
    lines = [
        {
            "sku": f"SKU-{at:06}",
            "name": f"Darjeeling {at}",
            "quantity": at + 1,
            "price": 12.5 + at,
            "tags": ["tea", "new"],
        }
        for at in range(7)
    ]
    return {
        "order": f"o-{number:08}",
        "currency": "EUR" if number % 50 else "eur",
        "total": 129.9,
        "lines": lines,
        "customer": {"id": f"c-{number % 977}", "country": "DE", "vip": False},
        "shipping": {"method": "post", "street": "Hauptstraße 1", "city": "Köln", "zip": "50667"},
        "note": None,
        "coupons": ["SPRING", "FRIEND"],
    }


PAGE_VIEW = {
    "type": "object",
    "required": ["path", "width", "height"],
    "properties": {
        "path": {"type": "string", "maxLength": 2048},
        "title": {"type": "string", "maxLength": 500},
        "referrer": {"type": "string", "maxLength": 2048},
        "width": {"type": "integer", "minimum": 0},
        "height": {"type": "integer", "minimum": 0},
        "language": {"type": "string", "maxLength": 10},
        "returning": {"type": "boolean"},
        "load_ms": {"type": "number", "minimum": 0},
    },
}
TEXT = {"type": "string", "maxLength": 200}
ORDER = {
    "type": "object",
    "required": ["order", "currency", "total", "lines"],
    "properties": {
        "order": TEXT,
        "currency": {"enum": ["EUR", "USD", "GBP"]},
        "total": {"type": "number", "minimum": 0},
        "lines": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["sku", "quantity", "price"],
                "properties": {
                    "sku": TEXT,
                    "name": TEXT,
                    "quantity": {"type": "integer", "minimum": 1},
                    "price": {"type": "number", "minimum": 0},
                    "tags": {"type": "array", "items": TEXT},
                },
            },
        },
        "customer": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": TEXT, "country": {"type": "string", "maxLength": 2}, "vip": {"type": "boolean"}},
        },
        "shipping": {"type": "object", "additionalProperties": TEXT},
        "note": {"type": ["string", "null"]},
        "coupons": {"type": "array", "items": TEXT},
    },
}


class PageViewStruct(msgspec.Struct):
    path: str
    width: int
    height: int
    title: str = ""
    referrer: str = ""
    language: str = ""
    returning: bool = False
    load_ms: float = 0.0


class LineStruct(msgspec.Struct):
    sku: str
    quantity: int
    price: float
    name: str = ""
    tags: list[str] = []


class CustomerStruct(msgspec.Struct):
    id: str
    country: str = ""
    vip: bool = False


class OrderStruct(msgspec.Struct):
    order: str
    currency: Literal["EUR", "USD", "GBP"]
    total: float
    lines: list[LineStruct]
    customer: CustomerStruct | None = None
    shipping: dict[str, str] = {}
    note: str | None = None
    coupons: list[str] = []


STRICT = pydantic.ConfigDict(strict=True)


class PageViewModel(pydantic.BaseModel):
    model_config = STRICT
    path: str
    width: int
    height: int
    title: str = ""
    referrer: str = ""
    language: str = ""
    returning: bool = False
    load_ms: float = 0.0


class LineModel(pydantic.BaseModel):
    model_config = STRICT
    sku: str
    quantity: int
    price: float
    name: str = ""
    tags: list[str] = []


class CustomerModel(pydantic.BaseModel):
    model_config = STRICT
    id: str
    country: str = ""
    vip: bool = False


class OrderModel(pydantic.BaseModel):
    model_config = STRICT
    order: str
    currency: Literal["EUR", "USD", "GBP"]
    total: float
    lines: list[LineModel]
    customer: CustomerModel | None = None
    shipping: dict[str, str] = {}
    note: str | None = None
    coupons: list[str] = []


def refuses(judge: Callable[[Any], object], *errors: type[Exception]) -> Callable[[Any], bool]:
    def is_valid(value: Any) -> bool:
        try:
            judge(value)
        except errors:
            return False
        return True

    return is_valid


def judges(name: str, schema: dict[str, Any], struct: type, model: Any) -> dict[str, tuple[str, Callable[[Any], bool]]]:
    """Name → what it reads, and the judge."""
    ours = event_py.Schema(schema)
    registry = event_py.Registry()
    registry.register("bench", name, schema)
    whole = {"type": "object", "required": ["category", "name", "data"], "properties": {**ENVELOPE, "data": schema}}
    rs, rs_event = jsonschema_rs.validator_for(schema), jsonschema_rs.validator_for(whole)
    decode = msgspec.json.Decoder(struct).decode
    decode_event = msgspec.json.Decoder(
        msgspec.defstruct("E", [("category", str), ("name", str), ("id", str), ("data", struct)])
    ).decode
    return {
        "event_py.Schema, dict": ("data dict", ours.is_valid),
        "jsonschema-rs, dict": ("data dict", rs.is_valid),
        "fastjsonschema, dict": (
            "data dict",
            refuses(fastjsonschema.compile(schema), fastjsonschema.JsonSchemaException),
        ),
        "event_py.Schema, bytes": ("data bytes", ours.is_valid),
        "orjson + jsonschema-rs": ("data bytes", lambda text: rs.is_valid(orjson.loads(text))),
        "msgspec decode": ("data bytes", refuses(decode, msgspec.ValidationError)),
        "pydantic, bytes": ("data bytes", refuses(model.model_validate_json, pydantic.ValidationError)),
        "event_py.Registry, event as a dict": ("event dict", registry.is_valid),
        "jsonschema-rs, event as a dict": ("event dict", rs_event.is_valid),
        "event_py.Registry, event as bytes": ("event bytes", registry.is_valid),
        "orjson + jsonschema-rs, event": ("event bytes", lambda text: rs_event.is_valid(orjson.loads(text))),
        "msgspec decode, event": ("event bytes", refuses(decode_event, msgspec.ValidationError)),
    }


def measure(title: str, name: str, make: Callable[[int], dict[str, Any]], judged: dict[str, Any], rounds: int) -> None:
    data = [make(number) for number in range(1, EVENTS + 1)]
    events = [{"category": "bench", "name": name, "id": f"e-{at}", "data": one} for at, one in enumerate(data)]
    forms = {"data dict": data, "event dict": events}
    forms |= {form.replace("dict", "bytes"): [orjson.dumps(one) for one in values] for form, values in forms.items()}  # type: ignore[misc]
    good = [number % 50 != 0 for number in range(1, EVENTS + 1)]
    times: dict[str, list[float]] = {who: [] for who in judged}
    for who, (form, is_valid) in judged.items():
        assert [is_valid(value) for value in forms[form]] == good, f"{who} judges otherwise"
    gc.disable()
    for _ in range(rounds):
        for who, (form, is_valid) in judged.items():
            values = forms[form]
            # Of this thread: what other programs do meanwhile does not count.
            start = time.thread_time_ns()
            for value in values:
                is_valid(value)
            times[who].append((time.thread_time_ns() - start) / EVENTS)
    gc.enable()
    print(f"\n{title}, {len(forms['data bytes'][0])} bytes ({len(forms['event bytes'][0])} with its envelope)")
    ours: dict[str, float] = {judged[who][0]: statistics.median(times[who]) for who in judged if "event_py" in who}
    for who, taken in times.items():
        median = statistics.median(taken)
        ratio = "" if "event_py" in who else f"{median / ours[judged[who][0]]:8.2f}x"
        print(f"  {who:38} median {median:8.0f} ns   least {min(taken):8.0f} ns {ratio}")


def ndjson(rounds: int) -> None:
    registry = event_py.Registry()
    registry.register("bench", "order", ORDER)
    events = ({"category": "bench", "name": "order", "id": f"e-{at}", "data": order(at)} for at in range(40_000))
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        for event in events:
            file.write(json.dumps(event).encode() + b"\n")
        file.flush()
        cores = sorted(os.sched_getaffinity(0))
        for some in (cores[:1], cores):
            os.sched_setaffinity(0, some)
            taken = []
            for _ in range(rounds):
                start = time.perf_counter_ns()
                report = registry.validate_ndjson(Path(file.name))
                taken.append((time.perf_counter_ns() - start) / report.lines)
            print(f"  NDJSON of orders, {len(some)} cores: median {statistics.median(taken):6.0f} ns a line, {report}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"Python {sys.version.split()[0]}, {datetime.now().date()}, {rounds} rounds of {EVENTS} events")
    measure("page view", "page", page_view, judges("page", PAGE_VIEW, PageViewStruct, PageViewModel), rounds)
    measure("order", "order", order, judges("order", ORDER, OrderStruct, OrderModel), rounds)
    print()
    ndjson(rounds)


if __name__ == "__main__":
    main()
