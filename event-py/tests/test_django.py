"""The middleware of Django, by Django's own test clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import django  # type: ignore[import-untyped]
import pytest
from django.conf import settings  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured, PermissionDenied  # type: ignore[import-untyped]
from django.http import FileResponse, HttpResponse, StreamingHttpResponse  # type: ignore[import-untyped]
from django.test import AsyncClient, Client, override_settings  # type: ignore[import-untyped]
from django.urls import include, path, re_path  # type: ignore[import-untyped]

import event_py.django
from event_py.testing import Collected, collecting

MIDDLEWARE = ["event_py.django.EventMiddleware", "django.middleware.common.CommonMiddleware"]


def view(request: Any, number: int = 0, shop: str = "") -> HttpResponse:
    request.events.track("order", "viewed", {"number": number})
    return HttpResponse("ok")


async def view_later(request: Any) -> HttpResponse:
    await asyncio.sleep(0)
    event_py.django.client().track("order", "viewed")
    return HttpResponse("ok")


def broken(request: Any) -> HttpResponse:
    raise KeyError("a customer's name")


async def broken_later(request: Any) -> HttpResponse:
    raise LookupError("a customer's name")


def forbidden(request: Any) -> HttpResponse:
    raise PermissionDenied


def parts() -> Iterator[str]:
    yield "first"
    raise OSError("in the middle")


def stream(request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter(["first", "second"]))


def stream_breaks(request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts())


async def stream_later(request: Any) -> StreamingHttpResponse:
    async def parts() -> Any:
        for part in ["first", "second"]:
            await asyncio.sleep(0.02)
            yield part

    return StreamingHttpResponse(parts())


def file(request: Any) -> FileResponse:
    return FileResponse(open(__file__, "rb"))


urlpatterns = [
    path("orders/<int:number>", view),
    re_path(r"^old/(?P<number>\d)$", view),
    path("shops/<slug:shop>/", include([path("orders/", view)])),
    path("later", view_later),
    path("broken", broken),
    path("broken-later", broken_later),
    path("forbidden", forbidden),
    path("stream", stream),
    path("stream-breaks", stream_breaks),
    path("stream-later", stream_later),
    path("file", file),
    path("health", view),
    path("static/a.css", view),
]

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, SECRET_KEY="of a test")
    django.setup()


def configured(**options: Any) -> Any:
    return override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, EVENT_PY=options)


@pytest.fixture
def collected() -> Iterator[Collected]:
    client, collected = collecting()
    with configured(client=client, skip=["/health", "/static/*"]):
        yield collected
    client.close()


def ask(path: str, later: bool, method: str = "GET") -> Any:
    """Asks, by a server with or without `async`, as servers do it: reads all, and closes."""
    if later:
        response = asyncio.run(ask_later(path, method))
    else:
        response = Client(raise_request_exception=False).generic(method, path)
        if response.streaming:
            b"".join(response.streaming_content)
    return response


async def ask_later(path: str, method: str) -> Any:
    response = await AsyncClient(raise_request_exception=False).generic(method, path)
    if response.streaming:
        async for _ in response:
            pass
    return response


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("path", "method", "told"),
    [
        ("/orders/7", "GET", {"method": "GET", "route": "/orders/<int:number>", "status": 200}),
        ("/orders/7", "BREW", {"method": "OTHER", "route": "/orders/<int:number>", "status": 200}),
        ("/shops/acme/orders/", "POST", {"method": "POST", "route": "/shops/<slug:shop>/orders/", "status": 200}),
        ("/old/7", "GET", {"method": "GET", "route": r"/^old/(?P<number>\d)$", "status": 200}),
        ("/later", "GET", {"method": "GET", "route": "/later", "status": 200}),
        ("/nowhere", "GET", {"method": "GET", "status": 404}),
        ("/forbidden", "GET", {"method": "GET", "route": "/forbidden", "status": 403}),
        ("/broken", "GET", {"method": "GET", "route": "/broken", "status": 500, "error": "KeyError"}),
        ("/broken-later", "GET", {"method": "GET", "route": "/broken-later", "status": 500, "error": "LookupError"}),
        ("/stream", "GET", {"method": "GET", "route": "/stream", "status": 200}),
        ("/file", "GET", {"method": "GET", "route": "/file", "status": 200}),
    ],
)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_a_request_is_an_event(collected: Collected, path: str, method: str, told: dict[str, Any], later: bool) -> None:
    assert ask(path, later, method).status_code == told["status"]
    (event,) = collected.events("http", "request")
    assert event["data"].pop("duration_ms") > 0
    assert event["data"] == told


def test_a_stream_lasts_until_its_end(collected: Collected) -> None:
    ask("/stream-later", later=True)
    (event,) = collected.events("http")
    assert event["data"]["duration_ms"] >= 40


def test_a_stream_that_breaks_is_an_error(collected: Collected) -> None:
    with pytest.raises(OSError, match="middle"):
        ask("/stream-breaks", later=False)
    collected.assert_one("http", "request", status=200, error="OSError")


def test_a_stream_that_is_given_up_is_an_event(collected: Collected) -> None:
    response = Client().get("/stream")
    collected.assert_none("http", "request")
    response.close()
    collected.assert_one("http", "request", status=200)


def test_what_is_raised_through_is_an_event(collected: Collected) -> None:
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True), pytest.raises(KeyError):
        Client().get("/broken")
    collected.assert_one("http", "request", status=500, error="KeyError")


@pytest.mark.parametrize("path", ["/health", "/static/a.css"])
def test_a_path_may_be_skipped(collected: Collected, path: str) -> None:
    assert ask(path, later=False).status_code == 200
    assert ask(path, later=True).status_code == 200
    collected.assert_none("http", "request")
    collected.assert_count("order", "viewed", 2)


def visit(request: Any) -> str:
    return str(request.headers["X-Visit"])


def test_an_application_adds_what_it_knows() -> None:
    client, collected = collecting()
    with configured(client=client, session_id=f"{__name__}.visit", fields=lambda request: {"tenant": "acme"}):
        Client(headers={"X-Visit": "visit-1"}).get("/orders/7")
    assert collected.assert_one("http", "request", tenant="acme", status=200)["session_id"] == "visit-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": lambda request: {"value": object()}},
        {"fields": lambda request: 1 / 0},
        {"session_id": lambda request: "no session\0"},
        {"session_id": lambda request: request.nothing},
    ],
)
def test_what_an_application_adds_wrongly_breaks_nothing(wrong: Any, caplog: pytest.LogCaptureFixture) -> None:
    client, collected = collecting()
    with configured(client=client, **wrong):
        assert ask("/orders/7", later=False).status_code == 200
        assert ask("/orders/7", later=True).status_code == 200
    collected.assert_count("http", "request", 2, status=200)
    # Once, and not for each request.
    assert [record.levelno for record in caplog.records if record.name == "event_py"] == [logging.WARNING]


def test_a_client_that_fails_breaks_nothing(collected: Collected) -> None:
    event_py.django.client().close()
    assert ask("/file", later=False).status_code == 200
    assert ask("/stream-later", later=True).status_code == 200


@pytest.mark.parametrize("wrong", [None, {}, {"url": "nonsense", "source": "shop"}, {"url": "http://127.0.0.1:1"}])
def test_a_setting_that_is_wrong_is_told_at_the_start(wrong: Any) -> None:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, EVENT_PY=wrong):
        with pytest.raises(ImproperlyConfigured, match="EVENT_PY"):
            Client().get("/orders/7")


def test_a_lifespan_sends_what_waits() -> None:
    client, collected = collecting(linger=60)
    said: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def application(scope: Any, receive: Any, send: Any) -> None:
        said.append(scope["type"])

    async def receive() -> Any:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        said.append(message["type"])

    async def serve() -> None:
        served = event_py.django.lifespan(application)
        await served({"type": "http"}, receive, send)
        await served({"type": "lifespan"}, receive, send)

    with configured(client=client):
        client.track("order", "viewed")
        asyncio.run(serve())
    assert client.stats().stored == 1
    assert said == ["http", "lifespan.startup.complete", "lifespan.shutdown.complete"]
