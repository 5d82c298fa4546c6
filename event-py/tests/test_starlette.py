"""The middleware of Starlette and FastAPI, by Starlette's own test client."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from event_py import Client, ConfigError
from event_py.starlette import EventMiddleware
from event_py.testing import Collected, collecting

with warnings.catch_warnings():
    # Of another library for requests, which is not everywhere yet.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HERE = Path(__file__).parent


async def order(request: Request) -> Response:
    request.state.events.track("order", "viewed", {"number": request.path_params["number"]})
    return PlainTextResponse("ok")


def broken(request: Request) -> Response:
    raise KeyError("a customer's name")


def forbidden(request: Request) -> Response:
    raise HTTPException(403)


def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def parts(breaks: bool) -> AsyncIterator[str]:
    for part in ["first", "second"]:
        await asyncio.sleep(0.02)
        yield part
    if breaks:
        raise OSError("in the middle")


def stream(request: Request) -> Response:
    return StreamingResponse(parts(False))


def stream_breaks(request: Request) -> Response:
    return StreamingResponse(parts(True))


def file(request: Request) -> Response:
    return FileResponse(__file__)


def background(request: Request) -> Response:
    return PlainTextResponse("ok", background=BackgroundTask(asyncio.sleep, 0.2))


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while (text := await socket.receive_text()) != "bye":
            if text == "break":
                raise KeyError(text)
            await socket.send_text(text)
        await socket.close(4000)
    except WebSocketDisconnect:
        pass


async def closed(socket: WebSocket) -> None:
    await socket.close(4403)


INNER = Starlette(routes=[Route("/orders/{number}", order), Route("/orders/{number:int}/lines", health)])

ROUTES = [
    Route("/orders/{number:int}", order, methods=["GET"]),
    Route("/broken", broken),
    Route("/forbidden", forbidden),
    Route("/health", health),
    Route("/stream", stream),
    Route("/stream-breaks", stream_breaks),
    Route("/file", file),
    Route("/background", background),
    WebSocketRoute("/echo/{room}", echo),
    WebSocketRoute("/closed", closed),
    Mount("/shops/{shop}", INNER),
    Mount("/static", StaticFiles(directory=HERE)),
]


def application(client: Client, **settings: Any) -> Starlette:
    middleware = Middleware(EventMiddleware, client=client, skip=["/health", "/static/skipped*"], **settings)
    return Starlette(routes=ROUTES, middleware=[middleware])


@pytest.fixture
def sent() -> Iterator[tuple[Client, Collected]]:
    client, collected = collecting()
    yield client, collected
    client.close()


@pytest.mark.parametrize(
    ("path", "method", "told"),
    [
        ("/orders/7", "GET", {"method": "GET", "route": "/orders/{number:int}", "status": 200}),
        ("/orders/7", "DELETE", {"method": "DELETE", "route": "/orders/{number:int}", "status": 405}),
        ("/nowhere", "BREW", {"method": "OTHER", "status": 404}),
        ("/shops/acme/orders/8", "GET", {"method": "GET", "route": "/shops/{shop}/orders/{number}", "status": 200}),
        ("/shops/acme/nowhere", "GET", {"method": "GET", "status": 404}),
        ("/static/test_starlette.py", "GET", {"method": "GET", "route": "/static/{path}", "status": 200}),
        ("/forbidden", "GET", {"method": "GET", "route": "/forbidden", "status": 403}),
        ("/broken", "GET", {"method": "GET", "route": "/broken", "status": 500, "error": "KeyError"}),
        ("/stream", "GET", {"method": "GET", "route": "/stream", "status": 200}),
        ("/file", "GET", {"method": "GET", "route": "/file", "status": 200}),
    ],
)
@pytest.mark.parametrize("outside", [False, True])
def test_a_request_is_an_event(
    sent: tuple[Client, Collected], path: str, method: str, told: dict[str, Any], outside: bool
) -> None:
    app: Any = EventMiddleware(Starlette(routes=ROUTES), sent[0]) if outside else application(sent[0])
    assert TestClient(app, raise_server_exceptions=False).request(method, path).status_code == told["status"]
    (event,) = sent[1].events("http", "request")
    assert event["data"].pop("duration_ms") > 0
    assert event["data"] == told


def test_fastapi_has_routers_of_its_own(sent: tuple[Client, Collected]) -> None:
    def view(number: str) -> str:
        return number

    inner, outer, mounted, app = APIRouter(prefix="/inner"), APIRouter(prefix="/outer"), FastAPI(), FastAPI()
    for router in (inner, mounted, app):
        router.get("/orders/{number}")(view)
    outer.include_router(inner)
    mounted.include_router(outer)
    app.include_router(outer)
    app.mount("/shops/{shop}", mounted)
    app.add_middleware(EventMiddleware, client=sent[0])
    test = TestClient(app)
    for prefix in ("", "/outer/inner", "/shops/acme", "/shops/acme/outer/inner"):
        assert test.get(f"{prefix}/orders/secret").status_code == 200
    assert test.get("/shops/secret/nowhere").status_code == 404
    assert [event["data"].get("route") for event in sent[1].events()] == [
        "/orders/{number}",
        "/outer/inner/orders/{number}",
        "/shops/{shop}/orders/{number}",
        "/shops/{shop}/outer/inner/orders/{number}",
        None,
    ]
    assert "secret" not in "".join(sent[1].json())


def test_a_stream_lasts_until_its_end(sent: tuple[Client, Collected]) -> None:
    TestClient(application(sent[0])).get("/stream")
    (event,) = sent[1].events("http")
    assert event["data"]["duration_ms"] >= 40


def test_the_background_is_not_waited_for(sent: tuple[Client, Collected]) -> None:
    TestClient(application(sent[0])).get("/background")
    (event,) = sent[1].events("http")
    assert event["data"]["duration_ms"] < 200


def test_a_stream_that_breaks_is_an_error(sent: tuple[Client, Collected]) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - a group of exceptions, in some versions
        TestClient(application(sent[0])).get("/stream-breaks")
    (event,) = sent[1].events("http")
    assert event["data"]["status"] == 200
    assert event["data"]["error"]


def test_a_websocket_is_an_event(sent: tuple[Client, Collected]) -> None:
    test = TestClient(application(sent[0]))
    with test.websocket_connect("/echo/secret") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
        sent[1].assert_none("http", "websocket")
        socket.send_text("bye")
        socket.receive()
    with test.websocket_connect("/echo/secret"):
        pass
    with pytest.raises(KeyError), test.websocket_connect("/echo/secret") as socket:
        socket.send_text("break")
        socket.receive_text()
    with pytest.raises(WebSocketDisconnect), test.websocket_connect("/closed"):
        pass
    events = sent[1].events("http", "websocket")
    assert all(event["data"].pop("duration_ms") > 0 for event in events)
    room = "/echo/{room}"
    assert [event["data"] for event in events] == [
        {"route": room, "code": 4000},
        {"route": room, "code": 1000},
        {"route": room, "code": 1011, "error": "KeyError"},
        {"route": "/closed", "code": 4403},
    ]


@pytest.mark.parametrize("path", ["/health", "/static/skipped.css"])
def test_a_path_may_be_skipped(sent: tuple[Client, Collected], path: str) -> None:
    TestClient(application(sent[0])).get(path)
    assert sent[1].events() == []


def test_an_application_is_asked_once_for_each_request(sent: tuple[Client, Collected]) -> None:
    asked: list[str] = []

    def session_id(request: Any) -> str | None:
        asked.append(request.url.path)
        return None

    def fields(request: Any) -> dict[str, Any]:
        return {"path": session_id(request) or "x"}

    test = TestClient(application(sent[0], session_id=session_id, fields=fields), raise_server_exceptions=False)
    for path in ("/orders/7", "/stream", "/broken"):
        test.get(path)
        assert asked == [path] * 2
        asked.clear()
    assert len(sent[1].events("http", "request")) == 3


def test_a_large_body_and_a_head_are_events(sent: tuple[Client, Collected]) -> None:
    async def upload(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    routes = [Route("/upload", upload, methods=["POST"]), Route("/stream", stream), Route("/health", health)]
    test = TestClient(EventMiddleware(Starlette(routes=routes), sent[0]))
    assert test.post("/upload", content=b"x" * 2**21).text == str(2**21)
    assert test.head("/stream").status_code == 200
    assert test.head("/health").status_code == 200
    told = [(event["data"]["method"], event["data"]["route"]) for event in sent[1].events("http")]
    assert told == [("POST", "/upload"), ("HEAD", "/stream"), ("HEAD", "/health")]


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_a_stream_that_is_given_up_is_an_event(sent: tuple[Client, Collected], version: str) -> None:
    async def receive() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        # Servers of the later version tell it by an error.
        if version == "2.4" and message["type"] == "http.response.body":
            raise OSError("the client is gone")

    scope = {"type": "http", "asgi": {"spec_version": version}, "path": "/stream", "method": "GET", "headers": []}
    try:
        asyncio.run(application(sent[0])({"query_string": b"", **scope}, receive, send))
    except Exception as error:
        assert version == "2.4", error
    sent[1].assert_one("http", "request", method="GET", route="/stream", status=200)


def test_an_application_adds_what_it_knows(sent: tuple[Client, Collected]) -> None:
    app = application(
        sent[0],
        session_id=lambda request: request.headers["X-Visit"],
        fields=lambda request: {"number": request.path_params["number"]},
    )
    TestClient(app).get("/orders/7", headers={"X-Visit": "visit-1"})
    assert sent[1].assert_one("http", "request", number=7, status=200)["session_id"] == "visit-1"


@pytest.mark.parametrize("fields", [lambda request: {"value": object()}, lambda request: 1 / 0])
def test_what_an_application_adds_wrongly_breaks_nothing(sent: tuple[Client, Collected], fields: Any) -> None:
    assert TestClient(application(sent[0], fields=fields)).get("/orders/7").status_code == 200
    sent[1].assert_one("http", "request", status=200)


def test_a_client_that_fails_breaks_nothing(sent: tuple[Client, Collected]) -> None:
    sent[0].close()
    assert TestClient(application(sent[0])).get("/stream").text == "firstsecond"


def test_a_request_that_is_given_up_is_an_event(sent: tuple[Client, Collected]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(10)

    async def nothing(*_: Any) -> Any:
        return {}

    async def give_up() -> None:
        scope = {"type": "http", "path": "/slow", "method": "GET", "headers": []}
        await asyncio.wait_for(EventMiddleware(app, sent[0])(scope, nothing, nothing), 0.01)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(give_up())
    (event,) = sent[1].events("http", "request")
    assert event["data"].keys() == {"method", "duration_ms"}


def test_a_lifespan_closes_a_client_that_was_made_here() -> None:
    made: list[Client] = []

    async def remember(request: Request) -> Response:
        made.append(request.state.events)
        return PlainTextResponse("ok")

    settings: dict[str, Any] = {"url": "http://127.0.0.1:1", "source": "shop"}
    app = Starlette(routes=[Route("/", remember)], middleware=[Middleware(EventMiddleware, **settings)])
    for _ in range(2):
        with TestClient(app) as test:
            assert test.get("/").status_code == 200
            assert made[-1].stats().waiting == 1
        # What could not be sent is dropped, and counted.
        assert made[-1].stats().waiting == 0
    assert made[0] is not made[1]


def test_a_lifespan_sends_what_waits_in_a_client_that_was_given() -> None:
    client, collected = collecting(linger=60)
    with TestClient(application(client)) as test:
        test.get("/orders/7")
    assert client.stats().stored == 2
    assert client.track("order", "viewed")


def test_a_setting_that_is_wrong_is_told_at_the_start() -> None:
    wrong: list[dict[str, Any]] = [{}, {"url": "nonsense", "source": "shop"}]
    for settings in wrong:
        app = Starlette(middleware=[Middleware(EventMiddleware, **settings)])
        with pytest.raises(ConfigError):
            TestClient(app).get("/")
