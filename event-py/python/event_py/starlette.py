"""Requests to a Starlette or FastAPI application as events, and a client for its views.

>>> from event_py.starlette import EventMiddleware
>>> from event_py.testing import collecting
>>> from fastapi import FastAPI, Request
>>> from fastapi.testclient import TestClient
>>> client, collected = collecting()
>>> app = FastAPI()
>>> app.add_middleware(EventMiddleware, client=client, skip=["/health"])
>>> @app.get("/orders/{number}")
... async def order(number: int, request: Request) -> str:
...     request.state.events.track("order", "viewed", {"number": number})
...     return "ok"
>>> TestClient(app).get("/orders/7").status_code
200
>>> collected.assert_one("order", "viewed")["data"]
{'number': 7}
>>> collected.assert_one("http", "request", status=200)["data"]["route"]
'/orders/{number}'
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.routing import Match, Mount

from event_py._native import Client
from event_py.request import Lazy, Request, Requests

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from event_py.settings import Settings

__all__ = ["EventMiddleware"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class EventMiddleware:
    """One event for each request, and one for each websocket when it is closed. Plain ASGI: bodies stream through.

    A view tracks events of its own by `request.state.events`. A client that is made here is closed when the
    application shuts down (its lifespan), or at the end of the program.

    Args:
        app: The application.
        client: The client. Without one it is made of `url`, `key`, `source` and the settings.
        skip: Paths that make no events; `/static/*` stands for all that begin so.
        session_id: Which visit a request belongs to: a function of the `HTTPConnection`.
        fields: What else the event is to tell: a function of the `HTTPConnection`.
        url: The collector.
        key: The API key.
        source: The application that sends.
        **settings: See `event_py.Settings`.

    Raises:
        ConfigError: if there is neither a client nor what one is made of, or a setting cannot be used.
    """

    def __init__(
        self,
        app: App,
        client: Client | None = None,
        *,
        skip: Iterable[str] = (),
        session_id: Callable[[HTTPConnection], str | None] | None = None,
        fields: Callable[[HTTPConnection], Mapping[str, Any]] | None = None,
        url: str | None = None,
        key: str | None = None,
        source: str | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self._app = app
        self._lazy = Lazy(client, url=url, key=key, source=source, **settings)
        self._requests = Requests(self._lazy, skip=skip, session_id=session_id, fields=fields)
        # What is wrong is told when the application starts, and not by its requests.
        self._lazy.client()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._closing(send))
            return
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["events"] = self._lazy.client()
        websocket = scope["type"] == "websocket"
        event = self._requests.begin(scope["path"], name="websocket" if websocket else "request")
        if event is None:
            await self._app(scope, receive, send)
            return
        # Routers write into the scope what they find.
        before = dict(scope)
        exchange = _Websocket(event, receive, send) if websocket else _Http(event, receive, send)
        exchange.ended = lambda: self._end(event, before, scope)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            exchange.fail(error)
            raise
        finally:
            exchange.ended()

    def _end(self, event: Request[HTTPConnection], before: Message, scope: Message) -> None:
        # It ends with its body and with the application, whichever comes first; what the application adds is asked for
        # only once.
        if event.ended:
            return
        event.body_ended()
        event.tell(method=scope.get("method"), route=_template(before.get("app", self._app), before, scope))
        event.ask(HTTPConnection(scope))
        event.end()

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await asyncio.to_thread(self._lazy.close)
            await send(message)

        return closing


class _Http:
    """One request: what passes between its server and the application."""

    def __init__(self, event: Request[HTTPConnection], receive: Receive, send: Send) -> None:
        self.ended: Callable[[], None] = lambda: None
        self.receive = receive
        self._event = event
        self._send = send
        self._status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._event.tell(status=self._status)
        await self._send(message)
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not last and message["type"] != "http.response.pathsend":
            return
        self._event.body_ended()
        # What the application does afterwards, in the background, is not waited for; but the exception that an answer
        # was made of may be still to come.
        if self._status is None or self._status < 500:
            self.ended()

    def fail(self, error: Exception) -> None:
        self._event.failed(error)
        if self._status is None:
            # What the server will answer.
            self._event.tell(status=500)


class _Websocket:
    """One websocket."""

    def __init__(self, event: Request[HTTPConnection], receive: Receive, send: Send) -> None:
        self.ended: Callable[[], None] = lambda: None
        self._event = event
        self._receive = receive
        self._send = send
        self._code: int | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._close(message.get("code", 1005))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self._close(message.get("code", 1000))
        elif message["type"] == "websocket.http.response.start":
            # It was not accepted.
            self._event.tell(status=message["status"])
        await self._send(message)

    def fail(self, error: Exception) -> None:
        self._event.failed(error)
        self._close(1011)

    def _close(self, code: int) -> None:
        # Whoever closes first.
        if self._code is None:
            self._code = code
            self._event.tell(code=code)


def _template(app: Any, before: Message, scope: Message) -> str | None:
    """The template of the route: not of its own router only, where that one is mounted into others."""
    route, root = scope.get("route"), scope.get("root_path", "")
    # FastAPI keeps the prefixes of a router that is included, and not mounted, apart from its routes.
    included = scope.get("fastapi", {}).get("effective_route_context")
    known = None if isinstance(route, Mount) else _path(included) or _path(route)
    if known is not None and root == before.get("root_path", ""):
        return known
    if "endpoint" not in scope:
        return None
    try:
        return _search(getattr(app, "routes", ()), before, root, known)
    except Exception:
        # Routers of other makes have other ideas of a route.
        return None


def _search(routes: Iterable[Any], scope: Message, root: str, known: str | None) -> str | None:
    """The template of the first route that matches, as routers choose it; below this root it is `known`."""
    if known is not None and scope.get("root_path", "") == root:
        return known
    partial: str | None = None
    for route in routes:
        match, child = route.matches(scope)
        path = _path(route)
        if match is Match.NONE or path is None:
            continue
        if "root_path" in child:
            mounted = getattr(route, "routes", None)
            # Without routes of its own it is, say, a directory of files.
            below = _search(mounted, {**scope, **child}, root, known) if mounted else "/{path}"
            return None if below is None else path + below
        if match is Match.FULL:
            return path
        partial = partial or path
    return partial


def _path(route: Any) -> str | None:
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else None
