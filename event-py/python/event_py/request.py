"""A request as an event: what the middleware of Django, of Flask and of Starlette share.

One event for each request: category `http`, name `request`. Its data: `method`, `route` (the template, as
`/orders/{id}`: the path itself may be personal; absent where no route fits), `status`, `duration_ms` (until the end
of the body) and, where the view raised, `error`, the name of the exception's class. A websocket is an event
`websocket` with `code`, by which it was closed, instead of `method` and `status`.

What another framework has to do:

>>> from event_py.request import Lazy, Requests
>>> from event_py.testing import collecting
>>> client, collected = collecting()
>>> requests = Requests(Lazy(client), skip=["/health"], fields=lambda asked: {"tenant": asked["tenant"]})
>>> event = requests.begin("/orders/7")
>>> event.tell(method="GET", route="/orders/{number}", status=200)
>>> event.ask({"tenant": "acme"})
>>> event.end()
>>> collected.assert_one("http", "request", status=200)["data"]["tenant"]
'acme'
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from event_py._native import Client, close_all
from event_py.errors import ConfigError, EventError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from event_py.settings import Settings

__all__ = ["Lazy", "Request", "Requests", "exception_name"]

logger = logging.getLogger("event_py")

Asked = TypeVar("Asked")
"""What a framework knows of a request."""

# Whether the program ends.
_ending = False


def _end() -> None:
    global _ending
    _ending = True


# What is registered last is called first. The clients close before `logging` flushes its handlers, so that the end of
# the program is waited for only once; and before they close, no other one is made any more.
atexit.unregister(close_all)
atexit.register(close_all)
atexit.register(_end)

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})


def exception_name(kind: type[BaseException]) -> str:
    """The name of an exception's class, with its module where that says something.

    >>> from event_py.request import exception_name
    >>> exception_name(KeyError)
    'KeyError'
    """
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Lazy:
    """A client that is given, or made of settings at its first use; that one is closed with us.

    >>> from event_py.request import Lazy
    >>> lazy = Lazy(url="http://127.0.0.1:8000", source="shop")
    >>> lazy.client().stats().offered
    0
    >>> lazy.close()
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        url: str | None = None,
        key: str | None = None,
        source: str | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        if client is None and (url is None or source is None):
            raise ConfigError("a client is needed, or its url and its source")
        if client is not None and (url or key or source or settings):
            raise ConfigError("a client is needed, or its settings, not both")
        self._given = client
        self._made: Client | None = None
        self._closed: Client | None = None
        self._make: Callable[[], Client] = lambda: Client(url or "", key, source=source or "", **settings)
        self._lock = Lock()

    def client(self) -> Client:
        """The client, anew after `close`; at the end of the program only one that is closed."""
        found = self._given or self._made
        if found is not None:
            return found
        with self._lock:
            if self._made is not None:
                return self._made
            if not _ending:
                self._made = self._make()
                return self._made
            # Nobody would close another one: what comes now is refused, and counted.
            if self._closed is None:
                self._closed = self._make()
                self._closed.close(0)
            return self._closed

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until the events have left. Without a client there are none, and none is made for that.

        Raises:
            FlushTimeoutError: with the number of events that wait still.
        """
        found = self._given or self._made
        if found is not None:
            found.flush(timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Closes the client if it was made here; one that was given is flushed. What is left is counted and logged."""
        with self._lock:
            made, self._made = self._made, None
            self._closed = made or self._closed
        try:
            if made is not None:
                made.close(timeout)
            elif self._given is not None:
                self._given.flush(timeout)
        except EventError as error:
            logger.warning("%s", error)


class Requests(Generic[Asked]):
    """How requests become events.

    Args:
        lazy: The client.
        skip: Paths that make no events; one that ends in `*` stands for all that begin so.
        session_id: Says which visit or run a request belongs to.
        fields: Says what else an event is to tell.
    """

    def __init__(
        self,
        lazy: Lazy,
        *,
        skip: Iterable[str] = (),
        session_id: Callable[[Asked], str | None] | None = None,
        fields: Callable[[Asked], Mapping[str, Any]] | None = None,
    ) -> None:
        skip = (skip,) if isinstance(skip, str) else tuple(skip)
        self.lazy = lazy
        self._skipped = frozenset(path for path in skip if not path.endswith("*"))
        self._skipped_starts = tuple(path[:-1] for path in skip if path.endswith("*"))
        self._session_id = session_id
        self._fields = fields
        self._warned = False

    def begin(self, path: str, *, name: str = "request") -> Request[Asked] | None:
        """A request begins; `None` if it is not to become an event."""
        if path in self._skipped or path.startswith(self._skipped_starts):
            return None
        return Request(self, name)

    def session_id(self, asked: Asked) -> str | None:
        """What the application says of a request's session."""
        return None if self._session_id is None else self._session_id(asked)

    def fields(self, asked: Asked) -> Mapping[str, Any]:
        """What else the application has to say of a request."""
        return {} if self._fields is None else self._fields(asked)

    def complain(self, error: Exception) -> None:
        """Says what goes wrong: once as a warning, as it is likely to go wrong at every request."""
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        logger.log(level, "an event of a request is not as it should be: %r", error, exc_info=error)


class Request(Generic[Asked]):
    """One request. Nothing that it does raises."""

    def __init__(self, requests: Requests[Asked], name: str) -> None:
        self._requests = requests
        self._name = name
        self._data: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}
        self._session_id: str | None = None
        self._ended = False
        self._started = perf_counter()

    def tell(self, *, method: str | None = None, route: str | None = None, **data: Any) -> None:
        """Notes what is known; `None` is not."""
        if method is not None:
            # A client may call its method what it likes.
            data["method"] = method if method in METHODS else "OTHER"
        if route is not None:
            data["route"] = route
        self._data.update((name, value) for name, value in data.items() if value is not None)

    def failed(self, error: BaseException) -> None:
        """Notes what the view raised. Its message is not told: it may be personal."""
        self._data["error"] = exception_name(type(error))

    @property
    def answered(self) -> bool:
        """Whether a status is known."""
        return "status" in self._data

    @property
    def ended(self) -> bool:
        """Whether the event is tracked."""
        return self._ended

    def ask(self, asked: Asked) -> None:
        """Asks the application what it has to add, where the request is at hand still."""
        try:
            self._session_id = self._requests.session_id(asked)
            self._extra = dict(self._requests.fields(asked))
        except Exception as error:
            self._requests.complain(error)

    def body_ended(self) -> None:
        """Takes the time, where the event is yet to come."""
        self._data.setdefault("duration_ms", round((perf_counter() - self._started) * 1000, 3))

    def end(self) -> None:
        """Tracks the event: the first time, if it is called again."""
        if self._ended:
            return
        self._ended = True
        self.body_ended()
        try:
            client = self._requests.lazy.client()
            try:
                client.track("http", self._name, {**self._extra, **self._data}, session_id=self._session_id)
            except (TypeError, ValueError) as error:
                if not self._extra and self._session_id is None:
                    raise
                # What the application adds cannot be written: the request is an event all the same.
                self._requests.complain(error)
                client.track("http", self._name, self._data)
        except Exception as error:
            self._requests.complain(error)
