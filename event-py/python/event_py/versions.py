"""The versions of a type over time: compared, tried, registered, inferred.

with event_py.Client("http://127.0.0.1:8000", source="shop") as client:
    client.types.register("order", "paid", "1", {"required": ["total"]})
    trial = client.types.try_out("order", "paid", {"required": ["total", "currency"]})
    print(trial.would_fail, "of", trial.judged, trial.compatibility)
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from event_py import _ask
from event_py._ask import Ask
from event_py._native import Schema
from event_py.errors import Violation

if TYPE_CHECKING:
    from event_py._native import Client
    from event_py._native.schema import Rules


__all__ = [
    "AsyncTypes",
    "Change",
    "Compatibility",
    "Failing",
    "Field",
    "Inferred",
    "OfRefused",
    "OfSource",
    "OfViolation",
    "Registration",
    "Shaded",
    "Shadow",
    "Trial",
    "TypeVersion",
    "Types",
]


class Change(NamedTuple):
    """Why a direction is not proved."""

    pointer: str
    """Where the rule stands, a JSON pointer: in the new schema where `breaks` is backward, else in the old one."""
    keyword: str
    """The keyword of the rule."""
    breaks: Literal["backward", "forward"]
    """Which direction it breaks, or may break."""
    message: str
    """The same in words."""


class Compatibility(NamedTuple):
    """What a schema is to an older one: a proof, keyword by keyword. What cannot be proved counts as broken.

    >>> import event_py
    >>> event_py.compatibility(new={"required": ["path"]}, old={}).is_backward
    False
    """

    level: Literal["full", "backward", "forward", "none"]
    """`full`; `backward`, if whatever was valid stays valid; `forward`, if whatever is valid was valid; or `none`."""
    reasons: list[Change]
    """What stands in the way, the reasons of backward first."""
    old: str | None = None
    """The version that it was compared with, where it was one that a collector has."""

    @property
    def is_backward(self) -> bool:
        """Whether whatever was valid stays valid."""
        return self.level in ("full", "backward")

    @property
    def is_forward(self) -> bool:
        """Whether whatever is valid was valid."""
        return self.level in ("full", "forward")

    def __str__(self) -> str:
        reasons = (f"- {why.breaks} is broken at {why.pointer or 'the root'}: {why.message}" for why in self.reasons)
        return "\n".join([self.level, *reasons])


class Field(NamedTuple):
    """A place in data, and how often something is there."""

    pointer: str
    """The place, a JSON pointer; `*` for every index of an array."""
    types: list[str]
    """What was there, as `type` has it."""
    present: int
    """How many objects have it; of an array's elements, how many there are."""
    of: int
    """How many objects could have it; of an array's elements, how many there are."""


class Inferred(NamedTuple):
    """What the events of a type have in common."""

    observed: int
    """Of how many events it is."""
    schema: dict[str, Any]
    """A JSON Schema that all of them keep to."""
    fields: list[Field]
    """What was seen at each place."""


class OfSource(NamedTuple):
    """What a schema says to the events of one application."""

    source: str
    """The application."""
    judged: int
    """How many events of it were judged."""
    would_fail: int
    """How many of them break the schema."""


class OfViolation(NamedTuple):
    """How many events break a rule at a place."""

    keyword: str
    """The keyword of the rule."""
    pointer: str
    """The place in the data; `*` stands for every index of an array."""
    events: int
    """How many."""


class OfRefused(NamedTuple):
    """What a schema says to events that were refused."""

    judged: int
    """How many were judged."""
    would_pass: int
    """How many of them the schema allows."""
    unreadable: int
    """How many could not be read as events."""


class Failing(NamedTuple):
    """An event that breaks a schema, and how."""

    position: int
    """Its place in the log."""
    id: str
    """Its id."""
    source: str
    """The application that it came from."""
    version: str | None
    """The version that judged it."""
    violations: list[Violation]
    """The rules that it breaks."""


class Trial(NamedTuple):
    """What a schema would say to the events that are there. It repeats none of their values."""

    judged: int
    """How many stored events were judged."""
    all: bool
    """Whether these are all of the type's events that are stored."""
    would_fail: int
    """How many of them break the schema."""
    by_source: list[OfSource]
    """The same by application, most failures first."""
    by_violation: list[OfViolation]
    """The same by rule, most failures first; the hundred most frequent."""
    samples: list[Failing]
    """The newest of them that break it, five at the most."""
    refused: OfRefused | None
    """What it says to those that were refused, where they were tried."""
    compatibility: Compatibility | None
    """What it is to the version that is active; `None` where none is."""


class Shaded(NamedTuple):
    """An event that a shadow would have refused."""

    position: int
    """Its place in the log."""
    id: str
    """Its id."""
    source: str
    """The application that it came from."""


class Shadow(NamedTuple):
    """What a version says that judges beside the active one, and changes nothing."""

    judged: int
    """How many events it judged."""
    would_fail: int
    """How many of them it would have refused."""
    by_keyword: dict[str, int]
    """The same by the keywords that they break."""
    samples: list[Shaded]
    """The last of them, newest last, ten at the most."""


class TypeVersion(NamedTuple):
    """One version of a type, as a collector has it."""

    category: str
    """What its events belong to."""
    name: str
    """What happened."""
    version: str
    """The version."""
    active: bool
    """Whether it judges events that name no version."""
    registered_at: datetime
    """When it was registered first."""
    schema: dict[str, Any] | bool | None
    """The JSON Schema of its data."""
    mapping: dict[str, Any] | None
    """How foreign documents become its events."""
    policy: dict[str, Any] | None
    """What happens to events that break the rules."""
    shadow: Shadow | None
    """What it says beside the active version, if it is a shadow."""
    upcast: dict[str, Any] | None
    """How data of an older version become data of this one."""


class Registration(NamedTuple):
    """A version that was registered."""

    type: TypeVersion
    """The version, as the collector has it now."""
    compatibility: Compatibility | None
    """What it is to the version that was active before; `None` where none was, or nothing has changed."""


def _compatibility(told: dict[str, Any]) -> Compatibility:
    reasons = [Change(**reason) for reason in told["reasons"]]
    return Compatibility(told["class"], reasons, told.get("with"))


def _fields(told: list[dict[str, Any]]) -> list[Field]:
    return [Field(**field) for field in told]


def _inferred(told: dict[str, Any]) -> Inferred:
    return Inferred(told["observed"], told["schema"], _fields(told["fields"]))


def _violations(told: list[dict[str, Any]]) -> list[Violation]:
    return [Violation(one["pointer"], one["keyword"], one.get("limit"), one["message"]) for one in told]


def _failing(told: dict[str, Any]) -> Failing:
    broken = _violations(told["violations"])
    return Failing(told["position"], told["id"], told["source"], told.get("version"), broken)


def _trial(told: dict[str, Any]) -> Trial:
    refused, compatibility = told.get("refused"), told.get("compatibility")
    return Trial(
        told["judged"],
        told["all"],
        told["would_fail"],
        [OfSource(**one) for one in told["by_source"]],
        [OfViolation(**one) for one in told["by_violation"]],
        [_failing(one) for one in told["samples"]],
        OfRefused(**refused) if refused else None,
        _compatibility(compatibility) if compatibility else None,
    )


def _shadow(told: dict[str, Any]) -> Shadow:
    samples = [Shaded(**one) for one in told["samples"]]
    return Shadow(told["judged"], told["would_fail"], told["by_keyword"], samples)


def _version(told: dict[str, Any]) -> TypeVersion:
    return TypeVersion(
        told["category"],
        told["name"],
        told["version"],
        told["active"],
        _ask.instant(told["registered_at"]),
        told.get("schema"),
        told.get("mapping"),
        told.get("policy"),
        _shadow(told["shadow"]) if told.get("shadow") else None,
        told.get("upcast"),
    )


def _registration(told: dict[str, Any]) -> Registration:
    compatibility = told.get("compatibility")
    return Registration(_version(told), _compatibility(compatibility) if compatibility else None)


def _source(schema: Rules) -> dict[str, Any] | bool:
    return (schema if isinstance(schema, Schema) else Schema(schema)).source


_LIST = Ask("types", lambda told: [_version(one) for one in told["types"]])


def _register(
    category: str, name: str, version: str, schema: Rules | None, definition: dict[str, Any]
) -> Ask[Registration]:
    given = {key: value for key, value in definition.items() if value is not None}
    if schema is not None:
        given["schema"] = _source(schema)
    return Ask("register", _registration, (category, name, version), body=_ask.written(given))


def _compare(category: str, name: str, new: str, old: str | None) -> Ask[Compatibility]:
    parameters = _ask.parameters({"with": old})
    return Ask("compatibility", _compatibility, (category, name, new), parameters)


def _try_out(category: str, name: str, schema: Rules, last: int, refused: bool) -> Ask[Trial]:
    parameters = _ask.parameters({"last": last, "refused": "tried" if refused else None})
    return Ask("trial", _trial, (category, name), parameters, _ask.written({"schema": _source(schema)}))


def _infer(category: str, name: str, last: int) -> Ask[Inferred]:
    return Ask("inferred", _inferred, (category, name), _ask.parameters({"last": last}))


class Types:
    """The types of a collector, and what becomes of their versions: `client.types`.

    It raises `CollectorError` where the collector does not answer, or refuses; its `code` says why.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> list[TypeVersion]:
        """Every version of every type, in the order of their registration."""
        return _ask.wait(self._client, _LIST)

    def register(
        self,
        category: str,
        name: str,
        version: str,
        schema: Rules | None = None,
        *,
        state: Literal["active", "shadow"] | None = None,
        mapping: dict[str, Any] | None = None,
        policy: dict[str, Any] | None = None,
        upcast: dict[str, Any] | None = None,
    ) -> Registration:
        """Registers a version, or changes what is given of one; tells what it is to the one that was active.

        A `shadow` judges beside the active version, and changes nothing. Whatever `Schema` takes is a schema. `upcast`
        says how data of an older version become data of this one: `{"from": "1", "steps": […]}`, with the steps of an
        `Upcaster`.
        """
        definition = {"state": state, "mapping": mapping, "policy": policy, "upcast": upcast}
        return _ask.wait(self._client, _register(category, name, version, schema, definition))

    def compare(self, category: str, name: str, new: str, old: str | None = None) -> Compatibility:
        """What a version is to another one, by default to the active one."""
        return _ask.wait(self._client, _compare(category, name, new, old))

    def try_out(self, category: str, name: str, schema: Rules, *, last: int = 10_000, refused: bool = False) -> Trial:
        """What a schema would say to the newest events of a type, and to those that were `refused`; nothing is
        registered."""
        return _ask.wait(self._client, _try_out(category, name, schema, last, refused))

    def infer(self, category: str, name: str, *, last: int = 10_000) -> Inferred:
        """A first schema that the newest events of a type keep to."""
        return _ask.wait(self._client, _infer(category, name, last))


class AsyncTypes:
    """The same with coroutines: `types` of an `AsyncClient`."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(self) -> list[TypeVersion]:
        """As `Types.list`."""
        return await _ask.ask(self._client, _LIST)

    async def register(
        self,
        category: str,
        name: str,
        version: str,
        schema: Rules | None = None,
        *,
        state: Literal["active", "shadow"] | None = None,
        mapping: dict[str, Any] | None = None,
        policy: dict[str, Any] | None = None,
        upcast: dict[str, Any] | None = None,
    ) -> Registration:
        """As `Types.register`."""
        definition = {"state": state, "mapping": mapping, "policy": policy, "upcast": upcast}
        return await _ask.ask(self._client, _register(category, name, version, schema, definition))

    async def compare(self, category: str, name: str, new: str, old: str | None = None) -> Compatibility:
        """As `Types.compare`."""
        return await _ask.ask(self._client, _compare(category, name, new, old))

    async def try_out(
        self, category: str, name: str, schema: Rules, *, last: int = 10_000, refused: bool = False
    ) -> Trial:
        """As `Types.try_out`."""
        return await _ask.ask(self._client, _try_out(category, name, schema, last, refused))

    async def infer(self, category: str, name: str, *, last: int = 10_000) -> Inferred:
        """As `Types.infer`."""
        return await _ask.ask(self._client, _infer(category, name, last))
