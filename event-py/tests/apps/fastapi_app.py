"""A shop in FastAPI: `uvicorn fastapi_app:app`."""

import os

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

from event_py.starlette import EventMiddleware

app = FastAPI()
app.add_middleware(
    EventMiddleware,
    url=os.environ["COLLECTOR"],
    source="fastapi",
    skip=["/health"],
    session_id=lambda request: request.headers.get("X-Visit"),
    fields=lambda request: {"language": request.headers.get("Accept-Language", "none")},
)


@app.get("/orders/{number}")
def order(number: int, request: Request) -> dict[str, int]:
    if number > 900:
        raise HTTPException(404)
    request.state.events.track("order", "viewed", {"number": number}, session_id=request.headers.get("X-Visit"))
    return {"number": number}


@app.get("/later/{number}")
async def order_later(number: int, request: Request) -> dict[str, int]:
    request.state.events.track("order", "viewed", {"number": number})
    return {"number": number}


@app.get("/broken")
def broken() -> None:
    raise KeyError("a customer's name")


@app.get("/export")
async def export() -> StreamingResponse:
    return StreamingResponse(f"{number}\n" for number in range(1_000))


@app.get("/health")
def health() -> str:
    return "ok"
