"""Requests to a Django application as events, and a client for its views.

    MIDDLEWARE = ["event_py.django.EventMiddleware", ...]
    EVENT_PY = {"url": "https://events.example.org", "key": "ev_…", "source": "shop", "skip": ["/health"]}

`EVENT_PY` holds the client's settings (`url`, `key`, `source` and those of `event_py.Settings`) or a `client`, and what
requests are to become: `skip` (paths that make no events; `/static/*` stands for all that begin so), `session_id` and
`fields` (functions of the request, or where to import them from). See `event_py.request` for the event.

The middleware stands first, so that it sees what the others do. A view tracks its own events by `request.events`, other
code by `event_py.django.client()`. Under ASGI, `application = lifespan(get_asgi_application())`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from inspect import iscoroutinefunction
from threading import Lock
from typing import Any

from asgiref.sync import markcoroutinefunction
from django import conf  # type: ignore[import-untyped, unused-ignore]
from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped, unused-ignore]
from django.utils.module_loading import import_string  # type: ignore[import-untyped, unused-ignore]

from event_py._native import Client
from event_py.errors import ConfigError
from event_py.request import Lazy, Request, Requests

__all__ = ["EventMiddleware", "client", "lifespan"]

_lock = Lock()
_configured: tuple[Any, Requests[Any]] | None = None


def client() -> Client:
    """The client of this application, by the setting `EVENT_PY`: one for each process, closed at its end.

    Raises:
        ImproperlyConfigured: if the setting is missing or wrong.
    """
    return _requests().lazy.client()


class EventMiddleware:
    """One event for each request, of views that are `async` and of those that are not."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)
        # What is wrong is told when the server starts, and not by requests.
        client()

    def __call__(self, request: Any) -> Any:
        if self._async:
            return self._respond(request)
        event = _begin(request)
        try:
            response = self._get_response(request)
        except BaseException as error:
            _end_by(error, event, request)
            raise
        _end(event, request, response)
        return response

    async def _respond(self, request: Any) -> Any:
        event = _begin(request)
        try:
            answer: Awaitable[Any] = self._get_response(request)
            response = await answer
        except BaseException as error:
            _end_by(error, event, request)
            raise
        _end(event, request, response)
        return response

    def process_exception(self, request: Any, exception: Exception) -> None:
        """Django tells what a view raises before it becomes a response."""
        request._event_py_error = exception


def lifespan(application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The ASGI application, which now sends the events that wait when its server shuts down.

    Django has no part in that, and uvicorn ends by the very signal that has stopped it: what Python does at the end of
    a program is not done then.
    """

    async def serving(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await asyncio.to_thread(_requests().lazy.close)
        await send({"type": "lifespan.shutdown.complete"})

    return serving


def _requests() -> Requests[Any]:
    global _configured
    given = getattr(conf.settings, "EVENT_PY", None)
    # Tests put other settings in their place, for a while.
    configured = _configured
    if configured is None or configured[0] is not given:
        with _lock:
            configured = _configured
            if configured is None or configured[0] is not given:
                configured = _configured = (given, _configure(given))
    return configured[1]


def _configure(given: Any) -> Requests[Any]:
    if not isinstance(given, dict):
        raise ImproperlyConfigured("EVENT_PY is a dict: the settings of the client, and of the middleware")
    options: dict[str, Any] = dict(given)  # pyright: ignore[reportUnknownArgumentType]
    skip = options.pop("skip", ())
    session_id, fields = _callable(options.pop("session_id", None)), _callable(options.pop("fields", None))
    try:
        lazy = Lazy(**options)
        lazy.client()
    except (ConfigError, TypeError) as error:
        raise ImproperlyConfigured(f"EVENT_PY: {error}") from error
    return Requests(lazy, skip=skip, session_id=session_id, fields=fields)


def _callable(given: Any) -> Any:
    return import_string(given) if isinstance(given, str) else given


def _begin(request: Any) -> Request[Any] | None:
    requests = _requests()
    request.events = requests.lazy.client()
    return requests.begin(request.path)


def _end(event: Request[Any] | None, request: Any, response: Any) -> None:
    if event is None:
        return
    _tell(event, request, response.status_code)
    error = getattr(request, "_event_py_error", None)
    # An exception that another middleware or Django itself has an answer for is no error: `Http404`, say.
    if error is not None and response.status_code >= 500:
        event.failed(error)
    if response.streaming:
        _watch(event, response)
    else:
        event.end()


def _end_by(error: BaseException, event: Request[Any] | None, request: Any) -> None:
    """A request that ends without a response: it was given up, or `DEBUG_PROPAGATE_EXCEPTIONS` is set."""
    if event is None:
        return
    raised = isinstance(error, Exception)
    _tell(event, request, 500 if raised else None)
    if raised:
        event.failed(error)
    event.end()


def _tell(event: Request[Any], request: Any, status: int | None) -> None:
    match = request.resolver_match
    event.tell(method=request.method, route=None if match is None else f"/{match.route}", status=status)
    event.ask(request)


def _watch(event: Request[Any], response: Any) -> None:
    """The event comes when the body has ended, or the server has closed it."""
    # A file is left as it is, for servers that have a faster way.
    if getattr(response, "file_to_stream", None) is None:
        watched = _each_async if response.is_async else _each
        response.streaming_content = watched(event, response.streaming_content)
    close = response.close

    def closed() -> None:
        try:
            close()
        finally:
            event.end()

    response.close = closed


def _each(event: Request[Any], parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception as error:
        event.failed(error)
        raise
    finally:
        event.end()


async def _each_async(event: Request[Any], parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for part in parts:
            yield part
    except Exception as error:
        event.failed(error)
        raise
    finally:
        event.end()
