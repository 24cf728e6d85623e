"""Headless Chromium, driven through its DevTools protocol: to test the book and to print it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60
"""Seconds to wait for an answer: far more than any page takes, less than a hung run."""


def executable() -> str | None:
    """Where Chromium is, if it is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab. Collects console errors, exceptions, failed loads and the requests it makes.

    Attributes:
        patience: seconds to wait for an answer.
    """

    patience: float = PATIENCE

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.number = socket, 0
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.seen: Counter[str] = Counter()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result, noting events on the way."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=self.patience))
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        self.seen[method] += 1
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.loadingFailed" and not params.get("canceled"):
            self.errors.append(f"load failed: {params['errorText']}")
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(a.get("value")) for a in params["args"]))

    def open(self, url: str) -> None:
        """Load a page and wait until it, its mathematics and its plots are drawn."""
        self.requests.clear()
        self.errors.clear()
        self._load(lambda: self.call("Page.navigate", url=url))

    def follow(self, script: str) -> None:
        """Run JavaScript that leaves for another page, and wait for that one."""
        self._load(lambda: self.run(f"setTimeout(() => {{ {script} }}, 20), 1"))

    def _load(self, leave: Callable[[], Any]) -> None:
        loads = self.seen["Page.loadEventFired"]
        leave()
        limit = time.monotonic() + self.patience
        while self.seen["Page.loadEventFired"] == loads:
            if time.monotonic() > limit:
                raise TimeoutError("the page did not load")
            self._note(json.loads(self.socket.recv(timeout=self.patience)))
        self.run("window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => 1) : 1")
        self.settle()

    def settle(self) -> None:
        """Wait until what was begun is drawn."""
        self.run(
            "new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(1)), 50))"
        )

    def run(self, script: str) -> Any:
        """Evaluate JavaScript, awaiting a promise; its value as JSON."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def resize(self, width: int, height: int, mobile: bool = False) -> None:
        """Set the size of the window, px."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Write a PNG of the window, or of the whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def browser() -> Iterator[Page]:
    """Start Chromium with one empty tab; end it afterwards.

    Raises:
        RuntimeError: if it does not start.
    """
    path = executable()
    if path is None:
        raise RuntimeError("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                path,
                "--headless=new",
                # a container has no user namespaces for the sandbox, and no big /dev/shm
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--no-first-run",
                # the browser itself must stay silent for "no request" to mean something
                "--disable-background-networking",
                "--disable-component-update",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with connect(_tab(process), max_size=2**28) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)
            assert process.stderr is not None
            process.stderr.close()


def _tab(process: subprocess.Popen[str]) -> str:
    """The address of a tab's socket, once the browser has said where it listens."""
    from urllib.request import urlopen

    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"DevTools listening on ws://([^/]+)/", line)
        if found:
            with urlopen(f"http://{found[1]}/json/list", timeout=PATIENCE) as answer:
                tabs = json.loads(answer.read())
            return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
    raise RuntimeError("chromium did not start: " + "".join(said[-3:]))
