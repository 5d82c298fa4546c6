"""The real collector, as a process of its own: the program `event-server`, its database in a directory of the test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

__all__ = ["Collector", "program", "running"]

WORKSPACE = Path(__file__).resolve().parents[2]
# Whatever proxy the environment names is for others.
OPENER = build_opener(ProxyHandler({}))


def program() -> Path:
    """Where `event-server` is: `EVENT_SERVER` says it, else it is where cargo builds it."""
    if given := os.environ.get("EVENT_SERVER"):
        return Path(given)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or WORKSPACE / "target")
    return target / "debug" / ("event-server.exe" if os.name == "nt" else "event-server")


class Collector:
    """A collector that can be stopped and started again: it keeps its address and its events.

    A key that is needed from some moment on is made by `key`.
    """

    def __init__(self, directory: Path, *settings: str) -> None:
        self.url = ""
        self._directory = directory
        self._settings = settings
        self._listen = "127.0.0.1:0"
        self._process: subprocess.Popen[str] | None = None

    @property
    def _database(self) -> str:
        return f"sqlite://{self._directory / 'events.db'}?mode=rwc"

    def start(self) -> None:
        """Starts it; it listens when this returns."""
        assert self._process is None, "it runs already"
        log = self._directory / "collector.log"
        arguments = ["serve", "--listen", self._listen, "--database-url", self._database, "--durability", "normal"]
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [program(), *arguments, *self._settings],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("EVENT_SERVER_")},
            )
        assert self._process.stdout is not None
        # `listening on http://127.0.0.1:38849, with the events in …`
        line = self._process.stdout.readline()
        if not line.startswith("listening on http://"):
            self.kill()
            raise AssertionError(f"the collector did not start: {line}{log.read_text()}")
        self.url = line.split()[2].rstrip(",")
        self._listen = self.url.removeprefix("http://")

    def stop(self) -> None:
        """Stops it as an operator would; nobody answers at its address until `start`."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """Kills it: what it was doing stays undone."""
        self._end(subprocess.Popen.kill)

    def _end(self, how: Callable[[subprocess.Popen[str]], None]) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        how(process)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def key(self, source: str | None) -> str:
        """Makes a key that sends events of a source and can do all else but deal with keys; or everything.

        From the first one on requests need one.
        """
        bounds = ["--any-source"] if source is None else ["--source", source, "--read-all"]
        rights = [*bounds, "--access", "write,read,admin"]
        arguments = ["key", "create", "--database-url", self._database, *rights]
        made = subprocess.run([program(), *arguments], check=True, capture_output=True, text=True)
        return next(word for word in made.stdout.split() if word.startswith("ev_"))

    def request(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Asks it something, and answers what it says, read as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        if key is not None:
            request.add_header("Authorization", f"Bearer {key}")
        with OPENER.open(request, timeout=20) as answer:
            return json.load(answer)

    def send(self, lines: bytes) -> Any:
        """Sends it lines of NDJSON as they are, and answers its verdicts."""
        request = Request(self.url + "/v1/events", lines, {"Content-Type": "application/x-ndjson"}, method="POST")
        with OPENER.open(request, timeout=20) as answer:
            return json.load(answer)["results"]

    def register(self, category: str, name: str, schema: Any, version: str = "1") -> None:
        """Says what events of a type are like."""
        place = "/".join(quote(part, safe="") for part in (category, name, version))
        self.request("PUT", f"/v1/types/{place}", {"schema": schema})

    def count(self, category: str | None = None, name: str | None = None, key: str | None = None) -> int:
        """How many events it has stored: of a category, and a name, or of all."""
        asked = {"category": category, "name": name}
        conditions = [{"field": field, "equals": value} for field, value in asked.items() if value is not None]
        answer = self.request("POST", "/v1/query", {"measure": "count", "filter": {"all": conditions}}, key)
        return sum(int(row["value"]) for row in answer["rows"])

    def events(self, key: str | None = None, **parameters: str) -> list[dict[str, Any]]:
        """Every event that it has stored, in the order of time."""
        events: list[dict[str, Any]] = []
        following: str | None = None
        while True:
            cursor = {"cursor": following} if following else {}
            page = self.request("GET", "/v1/events?" + urlencode({"limit": "1000", **parameters, **cursor}), key=key)
            events += page["events"]
            following = page["next"]
            if following is None:
                return events


def running(directory: Path) -> Iterator[Collector]:
    """A collector in a directory, until the test is over: what a fixture yields."""
    collector = Collector(directory)
    collector.start()
    try:
        yield collector
    finally:
        collector.kill()
