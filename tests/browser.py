"""A real Chromium that tests drive over its debugging pipe: no driver and no network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import TracebackType

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: pages were not looked at in a browser (.ci/run installs it)"
)
SECONDS = 30
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads from descriptor 3 and writes to 4.
_WITH_PIPES = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page of a browser. errors: what it complained of in its console."""

    def __init__(self, width: int = 1160, height: int = 900) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        in_read, self._to = os.pipe()
        self._from, out_write = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable, "-c", _WITH_PIPES, str(in_read), str(out_write), str(BROWSER), *_OPTIONS,
                f"--user-data-dir={self._profile.name}", "about:blank",
            ],
            pass_fds=(in_read, out_write),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(in_read)
        os.close(out_write)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.errors: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
        raise TimeoutError(method)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            read = os.read(self._from, 1 << 16)
            assert read, "the browser ended"
            self._unread += read
        one, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        told = message.get("params", {})
        if message.get("method") == "Log.entryAdded":
            self.errors.append(told["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.errors.append(str(told["args"]))
        elif message.get("method") == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith(("file:", "about:", "data:", "http://127.0.0.1:")):
                self.errors.append(f"fetches {url}")
        return message

    def resize(self, width: int, height: int) -> None:
        """Make the page as large."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def emulate(self, *, dark: bool = False, media: str = "") -> None:
        """In the dark, or on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def open(self, address: str | Path) -> None:
        """Load a page and wait for it."""
        url = address.as_uri() if isinstance(address, Path) else address
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + SECONDS
        while self.value("document.readyState") != "complete" or self.value("location.href") == "about:blank":
            assert time.monotonic() < deadline, url
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """What the expression is in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """Click with the mouse into the middle of what the selector finds first."""
        place = self.value(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + Math.min(r.width / 2, 60), r.y + r.height / 2]; }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def press(self, key: str) -> None:
        """Press a key, such as Enter or ArrowDown, or type a character."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        """What the page looks like."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))
