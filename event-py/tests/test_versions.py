"""Versions of a type are compared, tried, registered and inferred: here, and by a collector."""

from __future__ import annotations

import copy
import json
import pickle
import random
from datetime import timezone
from typing import Any

import pytest

import event_py
from collector import Collector
from event_py import Client, CollectorError, Event, Inference, QueryError, Schema, Upcaster, compatibility, infer

INTEGER = {"properties": {"total": {"type": "integer"}}}
NUMBER = {"properties": {"total": {"type": "number"}}}
ORDER = ("order", "paid")


def sent(collector: Collector, *documents: dict[str, Any]) -> None:
    events = [{"category": "order", "name": "paid", "data": data} for data in documents]
    collector.request("POST", "/v1/events", events)


def test_a_version_is_registered_and_compared(client: Any) -> None:
    first = client.types.register(*ORDER, "1", INTEGER)
    assert first.compatibility is None
    assert (first.type.version, first.type.active, first.type.schema) == ("1", True, INTEGER)
    second = client.types.register(*ORDER, "2", Schema(NUMBER), policy={"on_violation": "warn"})
    assert second.type.policy == {"on_violation": "warn"}
    assert (second.compatibility.level, second.compatibility.old) == ("backward", "1")
    assert second.compatibility.is_backward and not second.compatibility.is_forward
    assert second.compatibility.reasons == compatibility(new=NUMBER, old=INTEGER).reasons
    assert client.types.compare(*ORDER, "1", "2").level == client.types.compare(*ORDER, "1").level == "forward"
    assert [(one.version, one.active) for one in client.types.list()] == [("1", False), ("2", True)]
    assert client.types.list()[0].registered_at.tzinfo == timezone.utc


def test_a_shadow_tells_what_it_would_refuse(client: Any, collector: Collector) -> None:
    client.types.register(*ORDER, "1", NUMBER)
    client.types.register(*ORDER, "2", {"required": ["total"]}, state="shadow")
    sent(collector, {}, {"total": 1})
    active, shadow = client.types.list()
    assert active.active and active.shadow is None
    assert (shadow.active, shadow.shadow.judged, shadow.shadow.would_fail) == (False, 2, 1)
    assert shadow.shadow.by_keyword == {"required": 1}
    assert shadow.shadow.samples[0].position == 1
    assert client.types.register(*ORDER, "2", state="active").type.active


def test_a_candidate_is_tried_on_what_is_there(client: Any, collector: Collector) -> None:
    client.types.register(*ORDER, "1", NUMBER)
    sent(collector, {"total": 1}, {"total": 1.5}, {}, {"total": "secret"})
    trial = client.types.try_out(*ORDER, INTEGER | {"required": ["total"]})
    assert (trial.judged, trial.all, trial.would_fail, trial.refused) == (3, True, 2, None)
    assert {(one.keyword, one.pointer, one.events) for one in trial.by_violation} == {
        ("required", "", 1),
        ("type", "/total", 1),
    }
    assert [(one.judged, one.would_fail) for one in trial.by_source] == [(3, 2)]
    assert [one.position for one in trial.samples] == [3, 2]
    assert (trial.samples[0].version, trial.samples[0].violations[0].limit) == ("1", "total")
    assert trial.compatibility.level == "forward"
    wider = client.types.try_out(*ORDER, {"properties": {"total": {"type": "string"}}}, last=1, refused=True)
    assert (wider.judged, wider.refused) == (1, (1, 1, 0))
    assert [one.version for one in client.types.list()] == ["1"]


def test_a_first_schema_is_the_same_here_and_there(client: Any, collector: Collector) -> None:
    documents: list[dict[str, Any]] = [{"total": 1, "items": [{"sku": "a"}]}, {"total": 2.5, "items": []}]
    sent(collector, *documents)
    inferred = client.types.infer(*ORDER, last=100)
    assert (inferred.observed, inferred.schema) == (2, infer(documents))
    inference = Inference()
    for document in documents:
        inference.add(document)
    assert inferred.fields == inference.fields()
    assert client.types.try_out(*ORDER, inferred.schema).would_fail == 0
    assert client.types.infer(*ORDER, last=1).observed == 1


def test_what_is_refused_says_why(client: Any) -> None:
    client.types.register(*ORDER, "1", NUMBER)
    types = client.types
    for work, status, code in [
        (lambda: types.compare(*ORDER, "9"), 404, "type_not_found"),
        (lambda: types.compare(*ORDER, "1", "9"), 404, "type_not_found"),
        (lambda: types.try_out(*ORDER, NUMBER, last=0), 400, "invalid_parameter"),
        (lambda: types.register(*ORDER, "2", policy={"on_violation": "ignore"}), 422, "invalid_definition"),
    ]:
        with pytest.raises(CollectorError) as wrong:
            work()
        assert (wrong.value.reason, wrong.value.status, wrong.value.code) == ("refused", status, code)
    with pytest.raises(event_py.SchemaError):
        types.try_out(*ORDER, {"type": "strin"})
    for arguments, parameter in [(("", "paid", "1"), "category"), (("order", "\0", "1"), "name")]:
        with pytest.raises(QueryError) as grammar:
            types.register(*arguments, NUMBER)
        assert grammar.value.parameter == parameter
    with pytest.raises(QueryError):
        types.register("order", "paid", "", NUMBER)


def test_nobody_waits_for_a_collector_that_is_away(client: Any, collector: Collector) -> None:
    collector.stop()
    with pytest.raises(CollectorError) as away:
        client.types.list()
    assert away.value.reason == "unavailable"


def test_who_is_closed_says_so(collector: Collector) -> None:
    client = Client(collector.url, source="shop")
    client.close()
    with pytest.raises(event_py.ClientClosedError):
        client.types.list()


def test_a_compatibility_can_be_read() -> None:
    found = compatibility({"required": ["a"]}, {"required": ["b"]})
    assert found.level == "none"
    assert str(found).splitlines()[0] == "none"
    assert len(str(found).splitlines()) == 3
    assert compatibility(b"true", True) == ("full", [], None)
    assert compatibility(NUMBER, INTEGER).is_backward
    with pytest.raises(event_py.SchemaError):
        compatibility({"type": "strin"}, True)


def test_inferences_of_parts_are_one_of_the_whole() -> None:
    chance = random.Random(7)
    values: list[Any] = [1, 1.5, "a", None, True, [1, "x"], {"deep": 1}, "2026-03-29"]
    documents = [
        {name: chance.choice(values) for name in chance.sample("abcdef", chance.randint(0, 6))} for _ in range(200)
    ]
    parts = [Inference() for _ in range(3)]
    for document in documents:
        chance.choice(parts).add(document)
    whole = parts[0]
    for part in parts[1:]:
        whole.merge(part)
    assert whole.schema() == infer(documents)
    assert whole.observed == 200
    rules = Schema(whole.schema())
    assert all(rules.is_valid(document) for document in documents)
    whole.merge(whole)
    assert whole.observed == 400
    assert repr(whole) == "Inference(observed=400)"


def test_data_may_come_in_every_form() -> None:
    forms: list[Any] = [{"a": 1}, '{"a": 1}', b'{"a": 1}', Event("order", "paid", {"a": 1})]
    assert len({json.dumps(infer([form])) for form in forms}) == 1
    assert infer([])["type"] == "object"
    for broken, error in [(b"{", event_py.ValidationError), ({"a": {1}}, event_py.EventTypeError)]:
        with pytest.raises(error):
            infer([broken])
    with pytest.raises(event_py.ValidationError):
        infer([{"a": float("nan")}])
    with pytest.raises(event_py.ValidationError):
        infer(["[1]"])


def test_steps_bring_data_to_a_newer_version() -> None:
    steps: list[dict[str, Any]] = [
        {"step": "move", "from": "/total", "to": "/amount/value"},
        {"step": "convert", "at": "/amount/value", "to": "number"},
        {"step": "default", "at": "/amount/currency", "value": "EUR"},
        {"step": "remove", "at": "/note"},
    ]
    upcaster = Upcaster(steps)
    new = {"amount": {"value": 12.5, "currency": "EUR"}}
    for form in ({"total": "12.50", "note": 1}, b'{"total": "12.50"}', Event("order", "paid", {"total": "12.50"})):
        assert upcaster.apply(form) == new
    parts = [Upcaster([step]) for step in steps]
    joined = parts[0].then(parts[1]).then(parts[2]).then(parts[3])
    assert joined == upcaster == Upcaster(json.dumps(steps)) == pickle.loads(pickle.dumps(upcaster))
    assert hash(joined) == hash(copy.copy(upcaster))
    assert joined.steps == steps
    assert eval(repr(joined)) == joined
    assert Upcaster([]) != joined


def test_steps_that_cannot_be_done_say_where() -> None:
    moved = Upcaster([{"step": "move", "from": "/a", "to": "/b"}])
    with pytest.raises(event_py.UpcastError) as taken:
        moved.apply({"a": 1, "b": "secret"})
    assert (taken.value.pointer, "secret" in str(taken.value)) == ("/b", False)
    assert str(pickle.loads(pickle.dumps(taken.value))) == str(taken.value)
    for steps in ([{"step": "guess", "at": "/a"}], [{"step": "remove", "at": "a"}], "{}", [1]):
        with pytest.raises(event_py.ConfigError):
            Upcaster(steps)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_patch_rounds_nothing() -> None:
    document = '{"n": 12345678901234567890123.10, "a": [1]}'
    assert event_py.patch(document, [{"op": "add", "path": "/a/-", "value": 2}]) == (
        '{"n":12345678901234567890123.10,"a":[1,2]}'
    )
    assert event_py.patch({"a": 1}, b'[{"op": "test", "path": "/a", "value": 1}]') == '{"a":1}'
    with pytest.raises(event_py.PatchError) as wrong:
        event_py.patch(document, [{"op": "remove", "path": "/a/0"}, {"op": "remove", "path": "/b"}])
    assert wrong.value.operation == 1
    with pytest.raises(event_py.PatchError) as none:
        event_py.patch(document, "{}")
    assert none.value.operation is None


def test_an_older_version_is_read_and_replayed_as_a_newer_one(client: Any, collector: Collector) -> None:
    client.types.register(*ORDER, "1", {"properties": {"total": {"type": "string"}}})
    sent(collector, {"total": "7"})
    steps = [{"step": "convert", "at": "/total", "to": "number"}]
    upcast = {"from": "1", "steps": steps}
    second = client.types.register(*ORDER, "2", NUMBER | {"required": ["total"]}, upcast=upcast)
    assert second.type.upcast == upcast and client.types.list()[1].upcast == upcast
    assert [event.data for event in client.export()] == [{"total": "7"}]
    assert [(event.data, event.version) for event in client.export(upcast="latest")] == [({"total": 7}, "2")]
    # One that was refused as what it is not any more.
    collector.request(
        "POST", "/v1/events", [{"category": "order", "name": "paid", "version": "1", "data": {"total": 1}}]
    )
    (entry,) = client.quarantine.list(state="open")
    assert client.quarantine.replay(entry.number, dry_run=True).outcomes[0].status != "stored"
    assert client.quarantine.replay(entry.number, upcast="2").outcomes[0].status == "stored"
