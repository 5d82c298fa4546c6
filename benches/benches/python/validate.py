"""Validation from Python, side by side with the peers: nanoseconds an event, of a page view and of an order.

All take turns in every round, on the same events, of which 2 % are bad; each must find the same ones. Prints JSON: a
list of tables, each with a title and, for each contender, the first being event-py, its nanoseconds round by round.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
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


def judges(name: str, schema: dict[str, Any], struct: type, model: Any) -> dict[str, dict[str, Callable[[Any], bool]]]:
    """What is read → who reads it → the judge."""
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
        "data as a dict": {
            "event_py.Schema": ours.is_valid,
            "jsonschema-rs": rs.is_valid,
            "fastjsonschema": refuses(fastjsonschema.compile(schema), fastjsonschema.JsonSchemaException),
        },
        "data as bytes": {
            "event_py.Schema": ours.is_valid,
            "orjson + jsonschema-rs": lambda text: rs.is_valid(orjson.loads(text)),
            "msgspec decode": refuses(decode, msgspec.ValidationError),
            "pydantic": refuses(model.model_validate_json, pydantic.ValidationError),
        },
        "event as a dict": {
            "event_py.Registry": registry.is_valid,
            "jsonschema-rs": rs_event.is_valid,
        },
        "event as bytes": {
            "event_py.Registry": registry.is_valid,
            "orjson + jsonschema-rs": lambda text: rs_event.is_valid(orjson.loads(text)),
            "msgspec decode": refuses(decode_event, msgspec.ValidationError),
        },
    }


Table = dict[str, Any]


def measure(
    title: str,
    name: str,
    make: Callable[[int], dict[str, Any]],
    judged: dict[str, dict[str, Callable[[Any], bool]]],
    rounds: int,
) -> list[Table]:
    data = [make(number) for number in range(1, EVENTS + 1)]
    events = [{"category": "bench", "name": name, "id": f"e-{at}", "data": one} for at, one in enumerate(data)]
    forms: dict[str, list[Any]] = {
        "data as a dict": data,
        "data as bytes": [orjson.dumps(one) for one in data],
        "event as a dict": events,
        "event as bytes": [orjson.dumps(one) for one in events],
    }
    good = [number % 50 != 0 for number in range(1, EVENTS + 1)]
    times: dict[str, dict[str, list[float]]] = {form: {who: [] for who in all_of} for form, all_of in judged.items()}
    for form, all_of in judged.items():
        for who, is_valid in all_of.items():
            assert [is_valid(value) for value in forms[form]] == good, f"{who} judges otherwise: {form}"
    gc.disable()
    for _ in range(rounds):
        for form, all_of in judged.items():
            values = forms[form]
            for who, is_valid in all_of.items():
                # Of this thread: what other programs do meanwhile does not count.
                start = time.thread_time_ns()
                for value in values:
                    is_valid(value)
                times[form][who].append((time.thread_time_ns() - start) / EVENTS)
    gc.enable()
    bytes_of = {form: len(forms[form.replace("a dict", "bytes")][0]) for form in forms}
    return [
        {"title": f"{title}, {form}, {bytes_of[form]} bytes", "lines": list(taken.items())}
        for form, taken in times.items()
    ]


def ndjson(rounds: int) -> list[Table]:
    registry = event_py.Registry()
    registry.register("bench", "order", ORDER)
    events = ({"category": "bench", "name": "order", "id": f"e-{at}", "data": order(at)} for at in range(40_000))
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        for event in events:
            file.write(json.dumps(event).encode() + b"\n")
        file.flush()
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            return []
        some = {"one core": cores[:1], "two cores": cores[:2]}
        times: dict[str, list[float]] = {who: [] for who in some}
        # One round to warm up, which does not count.
        for number in range(rounds + 1):
            for who, own in some.items():
                os.sched_setaffinity(0, own)
                start = time.perf_counter_ns()
                report = registry.validate_ndjson(Path(file.name))
                if number > 0:
                    times[who].append((time.perf_counter_ns() - start) / report.lines)
        os.sched_setaffinity(0, cores)
    return [{"title": "NDJSON of orders, a line", "lines": list(times.items())}]


def main() -> None:
    rounds = int(sys.argv[1])
    tables = measure("Page view", "page", page_view, judges("page", PAGE_VIEW, PageViewStruct, PageViewModel), rounds)
    tables += measure("Order", "order", order, judges("order", ORDER, OrderStruct, OrderModel), rounds)
    tables += ndjson(rounds)
    json.dump(tables, sys.stdout)


if __name__ == "__main__":
    main()
