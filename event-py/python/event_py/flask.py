"""Requests to a Flask application as events, and a client for its views.

>>> from flask import Flask
>>> from event_py.flask import Events, client
>>> from event_py.testing import collecting
>>> events = Events()
>>> def create_app(**settings):
...     app = Flask("shop")
...     app.config["EVENT_PY"] = settings
...     events.init_app(app)
...     @app.get("/orders/<int:number>")
...     def order(number):
...         client().track("order", "viewed", {"number": number})
...         return "ok"
...     return app
>>> sender, collected = collecting()
>>> app = create_app(client=sender, skip=["/health"])
>>> app.test_client().get("/orders/7").status_code
200
>>> collected.assert_one("order", "viewed")["data"]
{'number': 7}
>>> collected.assert_one("http", "request", status=200)["data"]["route"]
'/orders/<int:number>'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import flask

from event_py._native import Client
from event_py.request import Lazy, Request, Requests

__all__ = ["Events", "client"]

NAME = "event_py"
"""Where an application keeps what belongs to this extension, and a request its event."""


def client() -> Client:
    """The client of the current application, in a view or wherever there is one."""
    requests: Requests[flask.Request] = flask.current_app.extensions[NAME]
    return requests.lazy.client()


class Events:
    """The extension: one event for each request.

    Its settings are arguments, here or of `init_app`, or members of `app.config["EVENT_PY"]`: those of the client
    (`url`, `key`, `source` and those of `event_py.Settings`) or a `client`, and what requests are to become: `skip`,
    `session_id` and `fields`.

    Args:
        app: The application; with factories, `init_app` has it later.
        client: The client. Without one it is made of `url`, `key`, `source` and the settings.
        skip: Paths that make no events; `/static/*` stands for all that begin so.
        session_id: Which visit a request belongs to: a function of `flask.request`.
        fields: What else the event is to tell: a function of `flask.request`.
        **settings: What the client is made of.

    Raises:
        ConfigError: if there is neither a client nor what one is made of, or a setting cannot be used.
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        *,
        client: Client | None = None,
        skip: Iterable[str] | None = None,
        session_id: Callable[[flask.Request], str | None] | None = None,
        fields: Callable[[flask.Request], Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        given = {"client": client, "skip": skip, "session_id": session_id, "fields": fields, **settings}
        self._settings = {name: value for name, value in given.items() if value is not None}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask, **settings: Any) -> None:
        """Has an application send its events; it may be one of several."""
        config = cast("Mapping[str, Any]", app.config)
        options: dict[str, Any] = {**config.get("EVENT_PY", {}), **self._settings, **settings}
        own = {name: options.pop(name) for name in ("skip", "session_id", "fields") if name in options}
        requests: Requests[flask.Request] = Requests(Lazy(**options), **own)
        # What is wrong is told when the application is made, and not by its requests.
        requests.lazy.client()
        app.extensions[NAME] = requests
        # Before what the application does first, and after what it does last.
        app.before_request_funcs.setdefault(None, []).insert(0, _begin)
        app.after_request_funcs.setdefault(None, []).insert(0, _respond)
        app.teardown_request_funcs.setdefault(None, []).insert(0, _end)
        flask.got_request_exception.connect(_failed, app)


def _begin() -> None:
    requests: Requests[flask.Request] = flask.current_app.extensions[NAME]
    event = requests.begin(flask.request.path)
    if event is not None:
        # Neither in `flask.g` nor in the environment: a request that is made within another one may share both.
        setattr(flask.request, NAME, event)


def _event() -> Request[flask.Request] | None:
    event: Request[flask.Request] | None = getattr(flask.request, NAME, None)
    return event


def _failed(_app: flask.Flask, exception: BaseException, **_: Any) -> None:
    event = _event()
    if event is not None:
        event.failed(exception)


def _respond(response: flask.Response) -> flask.Response:
    event = _event()
    if event is None:
        return response
    _tell(event, response.status_code)
    # Files, and pages of errors, are iterated over too, but are known as a whole.
    known = response.direct_passthrough or "Content-Length" in response.headers
    if response.is_streamed and not known:
        # The event comes when the body has ended, or the server has closed it.
        delattr(flask.request, NAME)
        response.response = _each(event, response.response)
        response.call_on_close(event.end)
    return response


def _end(error: BaseException | None) -> None:
    event = _event()
    if event is None:
        return
    if error is not None:
        event.failed(error)
        if not event.answered:
            # No response was made of it: the application is tested, say.
            _tell(event, 500)
    event.end()


def _tell(event: Request[flask.Request], status: int) -> None:
    rule = flask.request.url_rule
    event.tell(method=flask.request.method, route=None if rule is None else rule.rule, status=status)
    # The request itself: what stands for it does not outlive this function.
    event.ask(flask.request._get_current_object())  # type: ignore[attr-defined]  # pyright: ignore


def _each(event: Request[flask.Request], parts: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from parts
    except Exception as error:
        event.failed(error)
        raise
    finally:
        event.end()
