"""A real browser: headless Chromium, told what to do by its own protocol, and asked what it saw."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

__all__ = ["Browser", "Page", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
# Without a window or a sandbox, which many a container does not allow: all that it opens is our own.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
# How long anything may take, seconds.
PATIENCE = 30.0


def chromium() -> str | None:
    """Where Chromium is: `EVENT_TEST_CHROMIUM` says it, else it is looked for."""
    if given := os.environ.get("EVENT_TEST_CHROMIUM"):
        return given
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """A browser with a profile of its own, gone when it is closed."""

    def __init__(self, program: str, profile: Path) -> None:
        log = profile / "chromium.log"
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [program, *OPTIONS, f"--user-data-dir={profile / 'profile'}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        # It says on which port it listens, and in which path, as soon as it does.
        place = profile / "profile" / "DevToolsActivePort"
        try:
            port, path = until(lambda: place.exists() and place.read_text().split())
            self._socket: ClientConnection = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
        except BaseException as error:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"Chromium did not start: {log.read_text()}") from error
        self._number = 0
        self.told: list[dict[str, Any]] = []

    def close(self) -> None:
        """Ends it, and whatever it shows."""
        try:
            self.call("Browser.close")
        finally:
            self._socket.close()
            try:
                self._process.wait(10)
            finally:
                self._process.kill()
                self._process.wait()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Has it do something, and answers what it says."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.told.append(answer)

    @contextmanager
    def page(self, *, dark: bool = False, scripts: bool = True, width: int = 1280) -> Iterator[Page]:
        """An empty page that shares nothing with others: neither cookies nor what is kept."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility", "Audits", "Network"):
            page.call(f"{domain}.enable")
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.resize(width)
        try:
            yield page
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)


class Page:
    """What a person sees."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Has the browser do something with this page."""
        return self._browser.call(method, self._session, **parameters)

    def resize(self, width: int, height: int = 900) -> None:
        """Makes the window so large."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        """Goes to a page, and waits until it is there."""
        self._loaded(lambda: self.call("Page.navigate", url=url))

    def _loaded(self, go: Callable[[], object]) -> None:
        known = self._loads()
        go()
        until(lambda: self.do("1") and self._loads() - known, "another page")

    def _loads(self) -> set[str]:
        """The documents that were loaded, each by a name of its own."""
        return {told["loaderId"] for told in self._of("Page.lifecycleEvent") if told["name"] == "load"}

    def do(self, script: str) -> Any:
        """What a script says that is no part of the page; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        """Waits until a script says something that is true."""
        # An element itself would come as an empty object.
        until(lambda: self.do(f"!!({script})"), script)

    def text(self, selector: str = "main") -> str:
        """What a part of it says."""
        found: str = self.do(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def submit(self, selector: str) -> None:
        """Presses a button, and waits for the page behind it."""
        self._loaded(lambda: self.do(f"document.querySelector({json.dumps(selector)}).click()"))

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def type(self, text: str) -> None:
        """Types a text where the focus is."""
        self.call("Input.insertText", text=text)

    def enter(self) -> None:
        """Presses Enter, and waits for the page behind it."""
        self._loaded(lambda: self.press("Enter", 13, "\r"))

    def problems(self) -> list[str]:
        """What the console complains of: errors of scripts, what the policy forbade, what could not be loaded."""
        self.do("1")
        entries = [told["entry"] for told in self._of("Log.entryAdded")]
        wrong = [f"{entry['source']}: {entry['text']}" for entry in entries if entry["level"] == "error"]
        wrong += [json.dumps(told["exceptionDetails"]) for told in self._of("Runtime.exceptionThrown")]
        wrong += [json.dumps(told) for told in self._of("Runtime.consoleAPICalled")]
        wrong += [json.dumps(told) for told in self._of("Page.javascriptDialogOpening")]
        issues = [told["issue"] for told in self._of("Audits.issueAdded")]
        return wrong + [json.dumps(issue) for issue in issues if issue["code"] == "ContentSecurityPolicyIssue"]

    def requests(self) -> list[str]:
        """All that it asked for."""
        return [told["request"]["url"] for told in self._of("Network.requestWillBeSent")]

    def focusable(self) -> list[tuple[str, str]]:
        """Role and name of what the keyboard can reach, as a screen reader is told."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]

        def reached(node: dict[str, Any]) -> bool:
            properties = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
            return not node["ignored"] and bool(properties.get("focusable"))

        def said(node: dict[str, Any], what: str) -> str:
            return str(node.get(what, {}).get("value", ""))

        return [(said(node, "role"), said(node, "name")) for node in nodes if reached(node)]

    def picture(self, path: Path) -> None:
        """Keeps what it looks like, the whole length of it."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _of(self, method: str) -> list[dict[str, Any]]:
        told = self._browser.told
        return [
            each["params"] for each in told if each.get("sessionId") == self._session and each.get("method") == method
        ]


def until(holds: Callable[[], Any], what: str = "") -> Any:
    """Waits until something is true."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, f"it never came: {what}"
        time.sleep(0.02)
    return found
