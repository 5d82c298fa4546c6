"""Log records as events.

>>> import logging
>>> from event_py.logging import EventHandler
>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> logger = logging.getLogger("shop")
>>> logger.addHandler(EventHandler(client, level="WARNING"))
>>> logger.warning("only %d left", 3, extra={"article": "A-7"})
>>> event = collected.assert_one("log", "warning", message="only 3 left")
>>> event["data"]["logger"], event["data"]["extra"]
('shop', {'article': 'A-7'})
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from threading import local
from typing import TYPE_CHECKING, Any

from event_py._native import Client
from event_py.errors import ClientClosedError, EventError, EventTypeError, ValidationError
from event_py.request import Lazy, exception_name

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from event_py.settings import Settings

__all__ = ["EventHandler"]

TEXT = 8_192
"""The longest message or traceback, in characters: of a traceback its end is kept, which names the error."""
MEMBERS = 64
"""The most members of `extra`, and of a value in it."""
KEY = 128
"""The longest name of a member, in bytes: an event takes no longer one."""
DEPTH = 4
"""How deep a value in `extra` may be nested."""
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; all else was given as `extra`."""


class EventHandler(logging.Handler):
    """Turns log records into events: category `log`, and the level as the name, as `warning`.

    The name is the level and not the logger, since each name is a type of its own, with a schema and counts: levels
    are few and known, loggers may be many. The logger is in the data, beside `level` (its number), `message`, `module`,
    `function`, `line`, and where they are known `error` (the class of an exception), `traceback` and `extra` (those
    members of a record's `extra` that are JSON). Long texts are cut. An `extra` that no event can hold, as it is too
    large, is left out as a whole: `extra_left_out` says why. What `event_py` itself logs makes no events.

    Args:
        client: The client. Without one it is made of the other arguments, and closed with this handler.
        level: The lowest level of records that become events.
        session_id: Says which visit or run a record belongs to.
        url: The collector.
        key: The API key.
        source: The application that sends.
        **settings: See `event_py.Settings`.

    Raises:
        ConfigError: if there is neither a client nor what one is made of.

    As part of a configuration:

    >>> import logging.config
    >>> logging.config.dictConfig({
    ...     "version": 1,
    ...     "disable_existing_loggers": False,
    ...     "handlers": {"events": {
    ...         "class": "event_py.logging.EventHandler", "level": "ERROR",
    ...         "url": "http://127.0.0.1:8000", "source": "shop", "exit_timeout": 0,
    ...     }},
    ...     "loggers": {"shop.orders": {"handlers": ["events"]}},
    ... })
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        level: int | str = logging.NOTSET,
        session_id: Callable[[logging.LogRecord], str | None] | None = None,
        url: str | None = None,
        key: str | None = None,
        source: str | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self._lazy = Lazy(client, url=url, key=key, source=source, **settings)
        super().__init__(level)
        self._session_id = session_id
        self._here = local()
        # A setting that cannot be used is told now.
        self._lazy.client()

    def emit(self, record: logging.LogRecord) -> None:
        """Tracks the record. Nothing is raised: what goes wrong is told by `handleError`, as is usual."""
        if str(record.name).partition(".")[0] == "event_py" or getattr(self._here, "busy", False):
            return
        self._here.busy = True
        try:
            session_id = None if self._session_id is None else self._session_id(record)
            name = _clean(str(record.levelname).lower())[:100].strip() or "unnamed"
            self._track(name, _data(record), session_id)
        except ClientClosedError:
            # As when the program ends. The event is counted, and nobody is helped by an error for each record.
            pass
        except Exception:
            self.handleError(record)
        finally:
            self._here.busy = False

    def _track(self, name: str, data: dict[str, Any], session_id: str | None) -> None:
        client = self._lazy.client()
        try:
            client.track("log", name, data, session_id=session_id)
        except (ValidationError, EventTypeError) as error:
            if data.pop("extra", None) is None:
                raise
            # Whoever logs must not lose the record by what goes with it.
            data["extra_left_out"] = getattr(error, "code", "not_json")
            client.track("log", name, data, session_id=session_id)

    def flush(self, timeout: float = 1.0) -> None:
        """Waits until the events have left, for so many seconds at the most; what waits still is sent later."""
        try:
            self._lazy.flush(timeout)
        except EventError:
            pass

    def close(self) -> None:
        """Closes the client, if it was made here."""
        self._lazy.close()
        super().close()


def _data(record: logging.LogRecord) -> dict[str, Any]:
    # A record that was made by hand, or comes from another process, may lack most of it.
    known: dict[str, object] = {
        "logger": record.name,
        "level": record.levelno,
        "message": record.getMessage()[:TEXT],
        "module": record.module,
        "function": record.funcName,
        "line": record.lineno,
    }
    data: dict[str, Any] = {name: _json(value, DEPTH) for name, value in known.items() if value is not None}
    if record.exc_info and record.exc_info[0] is not None:
        data["error"] = exception_name(record.exc_info[0])
        data["traceback"] = _clean("".join(traceback.format_exception(*record.exc_info)))[-TEXT:]
    extra = _members({name: value for name, value in vars(record).items() if name not in OWN}, 0)
    if extra:
        data["extra"] = extra
    return data


def _members(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """Those members that are JSON."""
    members: dict[str, Any] = {}
    for name, value in values.items():
        if len(members) >= MEMBERS or not isinstance(name, str) or not name or len(name) > KEY:
            continue
        cleaned = _clean(name)
        if len(cleaned.encode()) > KEY:
            continue
        try:
            members[cleaned] = _json(value, depth)
        except TypeError:
            continue
    return members


def _json(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value)[:TEXT]
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    # Neither NaN nor an infinity.
    if isinstance(value, float) and abs(value) <= 1.7976931348623157e308:
        return float(value)
    if isinstance(value, dict) and depth < DEPTH:
        return _members(value, depth + 1)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, (list, tuple)) and depth < DEPTH:
        return [_json(element, depth + 1) for element in value[:MEMBERS]]  # pyright: ignore[reportUnknownVariableType]
    raise TypeError


def _clean(text: str) -> str:
    """What an event may hold: no NUL, and no half of a character."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
