"""Drives a headless Chromium through its DevTools protocol, over a pipe."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 45  # seconds that a page may take on a busy machine
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def executable() -> str | None:
    """Return the browser's path, None if this machine has none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One page of one browser; use it as a context manager."""

    def __init__(self, profile: Path, width: int = 1500, height: int = 950) -> None:
        self._ids, self._buffer = itertools.count(1), b""
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        command = [executable() or NAMES[0], *_FLAGS, f"--user-data-dir={profile}"]
        command += [f"--window-size={width},{height}", "about:blank"]
        # The browser reads from descriptor 3 and writes to descriptor 4.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session: str | None = None
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        self._size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **self._size)

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)  # the browser ends with its pipe
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def open(self, url: str) -> None:
        """Go to a page, even if it differs from the one shown behind the # only."""
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in JavaScript, None if it fails."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def text(self) -> str:
        return str(self.evaluate("document.body ? document.body.innerText : ''") or "")

    def wait_for(self, *texts: str) -> str:
        """Return the page's text once it holds all of these."""
        end = time.monotonic() + PATIENCE
        while True:
            shown = self.text()
            missing = [text for text in texts if text not in shown]
            if not missing:
                return shown
            if time.monotonic() > end:
                raise AssertionError(f"the page does not show {missing}, but:\n{shown[:3000]}")
            time.sleep(0.2)

    def wait_until(self, condition: str) -> None:
        """Return once a condition in JavaScript holds."""
        end = time.monotonic() + PATIENCE
        while self.evaluate(condition) is not True:
            assert time.monotonic() < end, (
                f"never true: {condition}; the page:\n{self.text()[:3000]}"
            )
            time.sleep(0.2)

    def screenshot(self, file: Path) -> Path:
        content = self._call("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(content))
        return file

    def _call(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(self._from, 1 << 20) if ready else b""
            assert chunk, "the browser does not answer"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))
