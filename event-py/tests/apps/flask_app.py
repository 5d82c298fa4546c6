"""A shop in Flask: `gunicorn 'flask_app:create_app()'`."""

import os

from flask import Flask, Response, abort, request

from event_py.flask import Events, client

events = Events(
    skip=["/health"],
    session_id=lambda request: request.headers.get("X-Visit"),
    fields=lambda request: {"language": request.headers.get("Accept-Language", "none")},
)


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["EVENT_PY"] = {"url": os.environ["COLLECTOR"], "source": "flask"}
    events.init_app(app)

    @app.get("/orders/<int:number>")
    def order(number: int) -> dict[str, int]:
        if number > 900:
            abort(404)
        client().track("order", "viewed", {"number": number}, session_id=request.headers.get("X-Visit"))
        return {"number": number}

    @app.get("/later/<int:number>")
    def order_later(number: int) -> dict[str, int]:
        client().track("order", "viewed", {"number": number})
        return {"number": number}

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("a customer's name")

    @app.get("/export")
    def export() -> Response:
        return Response(f"{number}\n" for number in range(1_000))

    @app.get("/health")
    def health() -> str:
        return "ok"

    return app
