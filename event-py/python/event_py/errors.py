"""Everything that `event_py` raises. Each is an `EventError`, and the built-in exception of the same meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from event_py._native import Unconfirmed, Verdict

__all__ = [
    "ClientClosedError",
    "CollectorError",
    "ConfigError",
    "EventError",
    "EventInternalError",
    "EventTypeError",
    "FlushTimeoutError",
    "LineError",
    "PatchError",
    "QueryError",
    "QueueFullError",
    "SchemaError",
    "UnconfirmedError",
    "UpcastError",
    "ValidationError",
    "Violation",
]


class Violation(NamedTuple):
    """One broken rule. The value that breaks it is never part of it: it may be personal, or a megabyte long."""

    pointer: str
    """The place in the data, for rules of schemas, else in the event: a JSON pointer (RFC 6901)."""
    keyword: str
    """The keyword of the schema (`required`, `maxLength`, …), or the code of another rule."""
    limit: str | None
    """What the rule asks for, where that is short: the bound, the type, the missing property."""
    message: str
    """The rule in words."""


class LineError(NamedTuple):
    """One line of NDJSON that was refused."""

    line: int
    """Its number, from 1; empty lines count."""
    code: str
    """The machine-readable name of the first reason."""
    violations: list[Violation]
    """Every broken rule that was found."""


class EventError(Exception):
    """Whatever goes wrong here."""


class ValidationError(EventError, ValueError):
    """An event, or its data, breaks a rule.

    >>> import event_py
    >>> try:
    ...     event_py.Schema({"required": ["path"]}).validate({})
    ... except event_py.ValidationError as error:
    ...     print(error.code, error.violations[0].message)
    schema_violation "path" is a required property
    """

    code: str
    """The machine-readable name of the first reason, the one that a collector would give."""
    violations: list[Violation]
    """Every broken rule that was found."""

    def __init__(self, message: str, code: str, violations: list[tuple[str, str, str | None, str]]) -> None:
        super().__init__(message, code, violations)
        self.code = code
        self.violations = [Violation(*violation) for violation in violations]

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        return f"ValidationError({str(self)!r})"


class SchemaError(EventError, ValueError):
    """This is no JSON Schema, or one that no collector takes.

    >>> import event_py
    >>> try:
    ...     event_py.Schema({"properties": {"path": {"pattern": "(?=a)b"}}})
    ... except event_py.SchemaError as error:
    ...     print(error.code, error.pointer)
    schema_pattern_unsupported /properties/path/pattern
    """

    code: str
    """`schema_invalid`, `schema_ref_not_allowed`, `schema_pattern_unsupported` or `schema_too_complex`."""
    pointer: str
    """The place in the schema: a JSON pointer (RFC 6901)."""

    def __init__(self, message: str, code: str, pointer: str) -> None:
        super().__init__(message, code, pointer)
        self.code = code
        self.pointer = pointer

    def __str__(self) -> str:
        return str(self.args[0])


class EventTypeError(EventError, TypeError):
    """The data holds a value of a type that JSON does not have, or that could be written in several ways."""

    pointer: str
    """Where it is: a JSON pointer (RFC 6901)."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message, pointer)
        self.pointer = pointer

    def __str__(self) -> str:
        return str(self.args[0])


class QueueFullError(EventError):
    """The event was dropped, and counted, because as many wait as may (`Client(on_full="raise")`)."""

    reason: str
    """`queue_full` or `spool_full`."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, reason)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[0])


class ClientClosedError(EventError, RuntimeError):
    """The client was closed; the event was dropped, and counted."""


class ConfigError(EventError, ValueError):
    """A client, a registry or a query cannot be made as it was asked for."""


class FlushTimeoutError(EventError, TimeoutError):
    """The time was over before all events were delivered."""

    waiting: int
    """Events that wait still."""
    spooled: int
    """Those of them that are safe on disk, and sent by the next process that opens it."""

    def __init__(self, message: str, waiting: int, spooled: int) -> None:
        # More arguments would be the number and the file of an OSError, which a TimeoutError is.
        super().__init__(message)
        self.waiting = waiting
        self.spooled = spooled

    def __reduce__(self) -> tuple[type[FlushTimeoutError], tuple[str, int, int]]:
        return type(self), (str(self), self.waiting, self.spooled)


class QueryError(EventError, ValueError):
    """A question cannot be asked like this, or its answer would be too large.

    >>> import event_py
    >>> try:
    ...     event_py.Query(bucket="fortnight")
    ... except event_py.QueryError as error:
    ...     print(error.parameter, error.code)
    bucket invalid_parameter
    """

    code: str
    """The machine-readable name of the reason, the one that a collector would give."""
    parameter: str
    """The parameter that is wrong; empty for the whole."""

    def __init__(self, message: str, code: str, parameter: str) -> None:
        super().__init__(message, code, parameter)
        self.code = code
        self.parameter = parameter

    def __str__(self) -> str:
        return str(self.args[0])


class UnconfirmedError(EventError):
    """Some of the events that were sent have no verdict: whether they are stored is not known.

    >>> import event_py
    >>> client = event_py.Client("http://127.0.0.1:1", source="shop", send_timeout=0.1, exit_timeout=0)
    >>> try:
    ...     client.send([{"category": "order", "name": "created"}])
    ... except event_py.UnconfirmedError as error:
    ...     print(error.verdicts, len(error.unconfirmed))
    [None] 1
    """

    verdicts: list[Verdict | None]
    """What is known: one verdict an event, in their order, and `None` where there is none."""
    unconfirmed: list[Unconfirmed]
    """The events without a verdict, with the ids, times and numbers they were given: `send` takes them, and to send
    them again is safe, as those that are stored after all will be duplicates."""
    reason: str
    """Why they have none."""

    def __init__(
        self, message: str, verdicts: Sequence[Verdict | None], unconfirmed: Sequence[Unconfirmed], reason: str
    ) -> None:
        super().__init__(message, verdicts, unconfirmed, reason)
        self.verdicts = list(verdicts)
        self.unconfirmed = list(unconfirmed)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[0])


class CollectorError(EventError):
    """The collector did not answer, or not as it should."""

    reason: str
    """`unavailable`: it did not answer; `refused`: it answered with a problem; `unreadable`: nobody can tell."""
    code: str | None
    """The machine-readable name of the problem, say `not_permitted`, where it refused and gave one."""
    status: int | None
    """The status of its answer, where it refused."""
    report: str | None
    """What was done in spite of it, as JSON, where it says so; see `event_py.imports.Imported.of`."""

    def __init__(
        self,
        message: str,
        reason: str = "unavailable",
        code: str | None = None,
        status: int | None = None,
        report: str | None = None,
    ) -> None:
        super().__init__(message, reason, code, status, report)
        self.reason = reason
        self.code = code
        self.status = status
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class PatchError(EventError, ValueError):
    """A document cannot be changed as a JSON Patch says. Nothing that stands in it is repeated.

    >>> import event_py
    >>> try:
    ...     event_py.patch("{}", [{"op": "remove", "path": "/total"}])
    ... except event_py.PatchError as error:
    ...     print(error, error.operation)
    operation 0: there is nothing at /total 0
    """

    operation: int | None
    """Which operation, from 0; `None` if it is the patch or the document itself."""

    def __init__(self, message: str, operation: int | None) -> None:
        super().__init__(message, operation)
        self.operation = operation

    def __str__(self) -> str:
        return str(self.args[0])


class UpcastError(EventError, ValueError):
    """Data cannot be brought to a newer version. No value is repeated.

    >>> import event_py
    >>> try:
    ...     event_py.Upcaster([{"step": "convert", "at": "/total", "to": "number"}]).apply({"total": "much"})
    ... except event_py.UpcastError as error:
    ...     print(error, error.pointer)
    the value at /total is none of this type /total
    """

    pointer: str
    """The place: a JSON pointer (RFC 6901)."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message, pointer)
        self.pointer = pointer

    def __str__(self) -> str:
        return str(self.args[0])


class EventInternalError(EventError, RuntimeError):
    """A defect of `event_py` itself. The process and the client go on."""
