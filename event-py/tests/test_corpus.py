"""Every case of the corpus is judged as Rust judges it, to the last letter, however it is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from corpus import Case, cases
from event_py import Registry, ValidationError, Violation

CASES = list(cases())


def judged(registry: Registry, event: Any) -> Any:
    try:
        warnings = registry.validate(event)
    except ValidationError as error:
        return {"code": error.code, "violations": [told(violation) for violation in error.violations]}
    return {"warns": [told(violation) for violation in warnings]} if warnings else None


def told(violation: Violation) -> dict[str, Any]:
    return {name: value for name, value in violation._asdict().items() if value is not None}


def test_the_corpus_is_there() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_case_is_judged_alike(case: Case) -> None:
    assert judged(case.registry, case.text) == case.expected
    assert judged(case.registry, case.text.encode()) == case.expected
    # A string is taken for JSON text.
    if (case.event is not None or case.text == "null") and not isinstance(case.event, str):
        assert judged(case.registry, case.event) == case.expected_of_value


def test_all_at_once_is_the_same_as_one_by_one() -> None:
    for case in CASES:
        (error,) = case.registry.validate_many([case.text])
        refused = case.expected is not None and "code" in case.expected
        assert (error.code if error else None) == (case.expected["code"] if refused else None), case.title
        assert case.registry.is_valid(case.text) is not refused
