"""A visit to a website, sent to the example `the_eye` with event_py.

    cargo run --release -p event-examples --example the_eye -- serve
    python examples/python/the_eye.py http://localhost:8000

A key goes into the environment: `THE_EYE_KEY=ev_… python examples/python/the_eye.py`.
"""

from __future__ import annotations

import os
import sys
import uuid

import event_py


def visit(eye: event_py.Client, session: str) -> None:
    """What somebody does who finds the form."""
    page = {"host": "www.example.com", "path": "/"}
    eye.track("page interaction", "pageview", page, session_id=session)
    eye.track("page interaction", "cta click", {**page, "element": "chat bubble"}, session_id=session)
    form = {"first_name": "John", "last_name": "Doe"}
    eye.track("form interaction", "submit", {**page, "form": form}, session_id=session)


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"
    session = str(uuid.uuid4())
    with event_py.Client(url, os.environ.get("THE_EYE_KEY"), source="website") as eye:
        visit(eye, session)
        eye.flush()
        stats = eye.stats()
    print(f"{stats.stored} stored: {url}/api/events/?session={session}")
    return 0 if stats.stored == 3 else 1


if __name__ == "__main__":
    sys.exit(main())
