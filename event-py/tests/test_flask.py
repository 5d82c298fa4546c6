"""The extension of Flask, by Flask's own test client."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, abort, send_file, stream_with_context

from event_py import Client, ConfigError
from event_py.flask import Events, client
from event_py.testing import Collected, collecting


def create_app(sender: Client | None, **settings: Any) -> Flask:
    app = Flask(__name__)
    Events(client=sender, skip=["/health", "/files/*"]).init_app(app, **settings)

    @app.route("/orders/<int:number>", methods=["GET", "POST"])
    def order(number: int) -> str:
        client().track("order", "viewed", {"number": number})
        return "ok"

    @app.get("/health")
    @app.get("/files/<name>")
    def health(name: str = "") -> str:
        return "ok"

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("a customer's name")

    @app.errorhandler(ValueError)
    def answered(error: ValueError) -> tuple[str, int]:
        return "no", 422

    @app.get("/answered")
    def wrong() -> str:
        raise ValueError

    @app.get("/forbidden")
    def forbidden() -> str:
        abort(403)

    @app.get("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            for part in ["first", "second"]:
                time.sleep(0.02)
                yield part

        return Response(stream_with_context(parts()))

    @app.get("/stream-breaks")
    def stream_breaks() -> Response:
        def parts() -> Iterator[str]:
            yield "first"
            raise OSError("in the middle")

        return Response(parts())

    @app.get("/outer")
    def outer() -> Any:
        return app.test_client().get("/orders/7")

    @app.post("/upload")
    def upload() -> str:
        from flask import request

        return str(len(request.get_data()))

    @app.get("/file")
    def file() -> Response:
        return send_file(io.BytesIO(b"x" * 100_000), mimetype="text/plain")

    @app.before_request
    def closed() -> tuple[str, int] | None:
        from flask import request

        return ("closed", 503) if request.path == "/closed" else None

    return app


@pytest.fixture
def sent() -> Iterator[tuple[Client, Collected]]:
    sender, collected = collecting()
    yield sender, collected
    sender.close()


@pytest.mark.parametrize(
    ("path", "method", "told"),
    [
        ("/orders/7", "POST", {"method": "POST", "route": "/orders/<int:number>", "status": 200}),
        ("/orders/7", "DELETE", {"method": "DELETE", "status": 405}),
        ("/nowhere", "BREW", {"method": "OTHER", "status": 404}),
        ("/closed", "GET", {"method": "GET", "status": 503}),
        ("/forbidden", "GET", {"method": "GET", "route": "/forbidden", "status": 403}),
        ("/answered", "GET", {"method": "GET", "route": "/answered", "status": 422}),
        ("/broken", "GET", {"method": "GET", "route": "/broken", "status": 500, "error": "KeyError"}),
        ("/stream", "GET", {"method": "GET", "route": "/stream", "status": 200}),
        ("/file", "GET", {"method": "GET", "route": "/file", "status": 200}),
    ],
)
def test_a_request_is_an_event(sent: tuple[Client, Collected], path: str, method: str, told: dict[str, Any]) -> None:
    with create_app(sent[0]).test_client().open(path, method=method) as response:
        assert response.status_code == told["status"]
        assert response.data
    (event,) = sent[1].events("http", "request")
    assert event["data"].pop("duration_ms") > 0
    assert event["data"] == told


def test_a_stream_lasts_until_its_end(sent: tuple[Client, Collected]) -> None:
    with create_app(sent[0]).test_client().get("/stream") as response:
        assert response.get_data(as_text=True) == "firstsecond"
    (event,) = sent[1].events("http")
    assert event["data"]["duration_ms"] >= 40


def test_a_stream_that_breaks_is_an_error(sent: tuple[Client, Collected]) -> None:
    with pytest.raises(OSError, match="middle"):
        create_app(sent[0]).test_client().get("/stream-breaks", buffered=True)
    sent[1].assert_one("http", "request", status=200, error="OSError")


def test_a_stream_that_is_given_up_is_an_event(sent: tuple[Client, Collected]) -> None:
    response = create_app(sent[0]).test_client().get("/stream")
    sent[1].assert_none("http", "request")
    response.close()
    sent[1].assert_one("http", "request", status=200)


def test_a_request_within_a_request_is_another_event(sent: tuple[Client, Collected]) -> None:
    app = create_app(sent[0])
    assert app.test_client().get("/outer").text == "ok"
    routes = [event["data"]["route"] for event in sent[1].events("http", "request")]
    assert routes == ["/orders/<int:number>", "/outer"]


@pytest.mark.parametrize("same", [True, False])
def test_a_request_that_is_handed_on_is_another_event(sent: tuple[Client, Collected], same: bool) -> None:
    app, (sender, below) = create_app(sent[0]), collecting()
    inner = app if same else create_app(sender)

    @app.get("/below/<int:number>")
    def handed_on(number: int) -> Any:
        from flask import request

        request.environ["PATH_INFO"] = f"/orders/{number}"
        return inner.wsgi_app

    assert app.test_client().get("/below/7").text == "ok"
    sent[1].assert_one("http", "request", route="/below/<int:number>", status=200)
    (sent[1] if same else below).assert_one("http", "request", route="/orders/<int:number>", status=200)


def test_a_large_body_and_a_head_are_events(sent: tuple[Client, Collected]) -> None:
    test = create_app(sent[0]).test_client()
    assert test.post("/upload", data=b"x" * 2**21).text == str(2**21)
    assert test.head("/orders/7").status_code == 200
    with test.head("/stream") as response:
        assert response.data == b""
    told = [(event["data"]["method"], event["data"]["route"]) for event in sent[1].events("http")]
    assert told == [("POST", "/upload"), ("HEAD", "/orders/<int:number>"), ("HEAD", "/stream")]


def test_the_answer_to_an_error_is_told_as_it_is(sent: tuple[Client, Collected]) -> None:
    asked: list[str] = []

    def fields(request: Any) -> dict[str, Any]:
        asked.append(request.path)
        return {}

    app = create_app(sent[0], fields=fields)
    app.register_error_handler(500, lambda error: ("later", 503))
    assert app.test_client().get("/broken").status_code == 503
    sent[1].assert_one("http", "request", status=503, error="KeyError")
    assert asked == ["/broken"]


def test_what_is_raised_through_is_an_event(sent: tuple[Client, Collected]) -> None:
    app = create_app(sent[0])
    app.testing = True
    with pytest.raises(KeyError):
        app.test_client().get("/broken")
    sent[1].assert_one("http", "request", status=500, error="KeyError")


@pytest.mark.parametrize("path", ["/health", "/files/a.css"])
def test_a_path_may_be_skipped(sent: tuple[Client, Collected], path: str) -> None:
    assert create_app(sent[0]).test_client().get(path).status_code == 200
    assert sent[1].events() == []


def test_an_application_adds_what_it_knows(sent: tuple[Client, Collected]) -> None:
    app = create_app(
        sent[0],
        session_id=lambda request: request.headers["X-Visit"],
        fields=lambda request: {"view": request.endpoint, "status": "not overwritten"},
    )
    app.test_client().get("/orders/7", headers={"X-Visit": "visit-1"})
    assert sent[1].assert_one("http", "request", view="order", status=200)["session_id"] == "visit-1"


@pytest.mark.parametrize("fields", [lambda request: {"value": object()}, lambda request: 1 / 0])
def test_what_an_application_adds_wrongly_breaks_nothing(sent: tuple[Client, Collected], fields: Any) -> None:
    assert create_app(sent[0], fields=fields).test_client().get("/orders/7").status_code == 200
    sent[1].assert_one("http", "request", status=200)


def test_a_client_that_fails_breaks_nothing(sent: tuple[Client, Collected]) -> None:
    app = create_app(sent[0])
    sent[0].close()
    assert app.test_client().get("/file").status_code == 200
    assert app.test_client().get("/stream").get_data(as_text=True) == "firstsecond"


def test_several_applications_have_a_client_each() -> None:
    events = Events()
    sent = [collecting(), collecting()]
    for number, (sender, _) in enumerate(sent):
        app = Flask(f"app{number}")
        app.config["EVENT_PY"] = {"client": sender}
        events.init_app(app)
        app.test_client().get(f"/{number}")
    for _, collected in sent:
        collected.assert_one("http", "request", status=404)


def test_a_setting_that_is_wrong_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError):
        create_app(None)
    with pytest.raises(ConfigError):
        Events(Flask("shop"), url="nonsense", source="shop")
