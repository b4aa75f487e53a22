"""The Chromium of this machine with one page, driven by Playwright; none is downloaded."""

import shutil
from contextlib import suppress
from importlib.util import find_spec

PATIENCE = 60.0  # seconds; a busy machine starts slowly
TRIES = 3  # at a picture
QUIET = ("file:", "data:", "about:")


def executable() -> str | None:
    """Return the Chromium found on this machine, if any."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def missing() -> str | None:
    """Return what a browser would need and is not there, if anything."""
    if executable() is None:
        return "no Chromium on this machine"
    return None if find_spec("playwright") else "Playwright is not installed"


class Chromium:
    """A browser with one page.

    Attributes:
        page: The page opened last, new each time.
        problems: Errors of its console, and requests for anything but the page itself.
    """

    def __init__(self, browser) -> None:
        self._browser = browser
        self.problems: list[str] = []

    def open(
        self, url: str, *, width: int, height: int = 900, dark: bool = False, scripts: bool = True
    ) -> None:
        """Load a page on a screen of this size and wait until it is there."""
        for context in self._browser.contexts:
            context.close()
        self.page = self._browser.new_page(
            viewport={"width": width, "height": height},
            is_mobile=width < 600,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        self.page.set_default_timeout(1000 * PATIENCE)
        self.problems = found = []
        self.page.on("pageerror", lambda error: found.append(str(error)))
        self.page.on(
            "console", lambda said: said.type in {"error", "assert"} and found.append(said.text)
        )
        self.page.on(
            "request",
            lambda one: one.url.startswith(QUIET) or found.append(f"request for {one.url}"),
        )
        self.page.goto(url)
        self.run = self.page.evaluate

    def screenshot(self, **options) -> None:
        """Take a picture; of a long page a busy machine has none at times, which a second has."""
        from playwright.sync_api import Error

        for _ in range(TRIES - 1):
            with suppress(Error):
                self.page.screenshot(**options)
                return
        self.page.screenshot(**options)

    def wait_for(self, *texts: str) -> str:
        """Return the page's text once it holds all of these."""
        from playwright.sync_api import expect

        body = self.page.locator("body")
        for text in texts:
            expect(body).to_contain_text(text, use_inner_text=True, timeout=1000 * PATIENCE)
        return body.inner_text()
