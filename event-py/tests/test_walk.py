"""What is judged where it is gets the verdict of its JSON text, whatever it is."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from event_py import Registry, Schema, ValidationError

ROUNDS = 40_000 if os.environ.get("EVENT_TEST_LONG") else 3_000
STRINGS = ["", "a", "ab", "é", "\u0000", "\ud800", "127.0.0.1", "a@b.org", "x" * 129, "k\n"]
NUMBERS = [0, 1, -1, 2, 3, 10, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30]
FLOATS = [0.0, -0.0, 1.0, 1.5, 0.1, 3.0, 2.0**53, 2.0**53 + 2, 1e19, 1e300, 5e-324, -1.5, 4.35, 1e-7]


def value(random: random.Random, depth: int) -> Any:
    kind = random.randrange(10 if depth else 7)
    if kind < 2:
        return random.choice(NUMBERS)
    if kind < 4:
        return random.choice(FLOATS)
    if kind == 4:
        # Strings that no event may hold are rarer, so that most of them come to the schema.
        return random.choice(STRINGS if random.random() < 0.1 else STRINGS[:4] + STRINGS[6:])
    if kind == 5:
        return random.choice([True, False])
    if kind == 6:
        return None
    if kind == 7:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return members(random, depth - 1)


def members(random: random.Random, depth: int) -> dict[str, Any]:
    keys = ["a", "b", "c", "long", "é"]
    if random.random() < 0.05:
        keys += STRINGS
    return {random.choice(keys): value(random, depth) for _ in range(random.randrange(4))}


def schema(random: random.Random, depth: int) -> Any:
    if random.random() < 0.05:
        return random.choice([True, False])
    made: dict[str, Any] = {}
    for _ in range(random.randrange(1, 4)):
        keyword = random.choice(list(KEYWORDS if depth else LEAVES))
        made[keyword] = {**KEYWORDS, **LEAVES}[keyword](random, depth - 1)
    return made


def whole(random: random.Random, _: int) -> Any:
    return random.choice([0, 1, 2, 3])


def bound(random: random.Random, _: int) -> Any:
    return random.choice([0, 1, 1.0, 1.5, -1.5, 3, 2**53, 2**53 + 1, 2**63 - 1, 1e19, 0.1])


LEAVES = {
    "type": lambda random, _: random.choice(
        ["integer", "number", "string", "object", "array", "boolean", "null", ["integer", "null"], ["string", "array"]]
    ),
    "enum": lambda random, _: plain([value(random, 1) for _ in range(3)]),
    "const": lambda random, _: plain([value(random, 1)])[0],
    "minimum": bound,
    "maximum": bound,
    "exclusiveMinimum": bound,
    "exclusiveMaximum": bound,
    "multipleOf": lambda random, _: random.choice([1, 2, 3, 0.5, 0.1, 0.01, 1.5, 2**53, 7]),
    "minLength": whole,
    "maxLength": whole,
    "pattern": lambda random, _: random.choice(["^a", "b$", "\\d", "^.?$"]),
    "format": lambda random, _: random.choice(["date-time", "email", "uri", "ipv4"]),
    "minItems": whole,
    "maxItems": whole,
    "uniqueItems": lambda random, _: random.random() < 0.8,
    "required": lambda random, _: random.sample(["a", "b", "c"], random.randrange(3)),
    "minProperties": whole,
    "maxProperties": whole,
}
KEYWORDS: dict[str, Any] = {
    **LEAVES,
    "properties": lambda random, depth: {key: schema(random, depth) for key in random.sample("abc", 2)},
    "additionalProperties": lambda random, depth: schema(random, depth),
    "patternProperties": lambda random, depth: {"^[ab]": schema(random, depth)},
    "propertyNames": lambda random, depth: schema(random, depth),
    "items": lambda random, depth: schema(random, depth),
    "contains": lambda random, depth: schema(random, depth),
    "allOf": lambda random, depth: [schema(random, depth) for _ in range(2)],
    "anyOf": lambda random, depth: [schema(random, depth) for _ in range(2)],
    "oneOf": lambda random, depth: [schema(random, depth) for _ in range(2)],
    "not": lambda random, depth: schema(random, depth),
    "if": lambda random, depth: schema(random, depth),
    "then": lambda random, depth: schema(random, depth),
    "unevaluatedProperties": lambda random, depth: schema(random, depth),
}


def plain(values: list[Any]) -> list[Any]:
    """Those that a schema may hold."""
    held: list[Any] = []
    for value in values:
        text = json.dumps(value)
        if "\\u0000" not in text and "\\ud800" not in text and not any(str(n) in text for n in (2**63, 10**30)):
            held.append(value)
    return held or [1]


def broken(registry: Registry, event: Any) -> Any:
    try:
        registry.validate(event)
    except ValidationError as error:
        return error.code, error.violations
    return None


@pytest.mark.parametrize("draft", ["2020-12/schema", "07/schema#", "04/schema#"])
def test_a_dict_gets_the_verdict_of_its_text(draft: str) -> None:
    chance = random.Random(f"walk {draft}")
    verdicts = {True: 0, False: 0}
    for _ in range(ROUNDS // 10):
        rules = schema(chance, 3)
        if draft.startswith("2020"):
            rules = {"allOf": [rules]}
        else:
            rules = {"properties": {key: schema_of_draft(chance, draft) for key in "abc"}}
        rules["$schema"] = f"https://json-schema.org/draft/{draft}".replace("draft/0", "draft-0")
        compiled = Schema(rules)
        registry = Registry()
        registry.register("walk", "case", compiled)
        for _ in range(10):
            data = members(chance, 3)
            event = {"category": "walk", "name": "case", "data": data}
            of_dict, of_text = broken(registry, event), broken(registry, json.dumps(event))
            assert (of_dict is None) == (of_text is None), (rules, data, of_dict, of_text)
            if of_dict and of_text and of_text[0] == "schema_violation":
                assert of_dict == of_text, (rules, data)
            elif of_dict and of_text:
                # Only a text has bytes to count.
                assert of_dict[0] == of_text[0], (rules, data)
            assert compiled.is_valid(data) == compiled.is_valid(json.dumps(data)) == (of_text is None), (rules, data)
            verdicts[of_text is None] += 1
    assert min(verdicts.values()) > ROUNDS // 20, verdicts


def schema_of_draft(random: random.Random, draft: str) -> Any:
    made = schema(random, 0)
    if draft.startswith("04"):
        if not isinstance(made, dict):
            return {}
        made = {keyword: value for keyword, value in made.items() if keyword not in ("const", "exclusiveMinimum")}
        made.pop("exclusiveMaximum", None)
        made["type"] = random.choice(["integer", "number", ["integer", "string"]])
        if not made.get("required", ["a"]):
            del made["required"]
        if len({json.dumps(value) for value in made.get("enum", [])}) < len(made.get("enum", [])):
            del made["enum"]
    return made
