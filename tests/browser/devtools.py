"""A headless Chromium, driven through the DevTools protocol over two pipes: no package needed.

Source: https://chromedevtools.github.io/devtools-protocol/ and Chromium's --remote-debugging-pipe,
which reads commands from file descriptor 3 and answers on 4, each message ended by a zero byte.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

PATIENCE = 60.0  # seconds; a busy machine starts slowly


def executable() -> str | None:
    """Return the Chromium found on this machine, if any."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Chromium:
    """One browser with one page. Close it, or use it in a `with` block."""

    def __init__(self, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self._buffer, self._number = b"", 0
        self.events: list[dict] = []
        program = executable()
        assert program is not None
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--hide-scrollbars", f"--user-data-dir={profile}", "--remote-debugging-pipe",
            "about:blank",
        ]  # fmt: skip
        # The shell puts the pipes where Chromium looks for them, whatever their numbers are here.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, *command],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self._call("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(EOFError, BrokenPipeError):
            self._call("Browser.close", {})
        self._process.wait(timeout=PATIENCE)
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **params: object) -> dict:
        """Send a command to the page and return its result."""
        return self._call(method, params, self._session)

    def open(self, url: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a page on a screen of this size and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        for address in ("about:blank", url):  # else a new `#` does not load anew
            self.events.clear()
            self.call("Page.navigate", url=address)
            self._wait_for("Page.loadEventFired")

    def run(self, script: str) -> object:
        """Return the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Return once a condition in JavaScript holds; one that fails does not hold."""
        end = time.monotonic() + PATIENCE
        while self._value(condition) is not True:
            assert time.monotonic() < end, f"never true: {condition}; the page:\n{self.text()}"
            time.sleep(0.2)

    def wait_for(self, *texts: str) -> str:
        """Return the page's text once it holds all of these."""
        end = time.monotonic() + PATIENCE
        while missing := [text for text in texts if text not in self.text()]:
            assert time.monotonic() < end, f"not on the page: {missing}; but:\n{self.text()}"
            time.sleep(0.2)
        return self.text()

    def text(self) -> str:
        """Return what the page shows."""
        return str(self._value("document.body ? document.body.innerText : ''") or "")

    def _value(self, script: str) -> object:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def move_to(self, x: float, y: float) -> None:
        """Move the pointer to a place on the screen."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        """Write a picture of the page, or of what fits on the screen."""
        answer = self.call(
            "Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole)
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def _clip(self, whole: bool) -> dict:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {**size, "scale": 1}}

    def pdf(self) -> bytes:
        """Return the page as it prints."""
        answer = self.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])

    def problems(self) -> list[str]:
        """Return errors of the console, and requests for anything but the page itself."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in {
                "error",
                "assert",
            }:
                found.append(json.dumps(params["args"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            if event["method"] == "Network.requestWillBeSent":
                address = params["request"]["url"]
                if not address.startswith(("file:", "data:", "about:")):
                    found.append(f"request for {address}")
        return found

    def _call(self, method: str, params: dict, session: str | None = None) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _wait_for(self, name: str) -> None:
        while not any(event["method"] == name for event in self.events):
            self._next()

    def _next(self) -> dict:
        """Return the next message; those without a number are events, and kept."""
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium said nothing for {PATIENCE:.0f} s")
            received = os.read(self._read, 1 << 20)
            if not received:
                raise EOFError("Chromium closed the pipe")
            self._buffer += received
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        if "id" not in message:
            self.events.append(message)
        return message
