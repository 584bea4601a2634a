"""A real Chromium, and what it complains about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright


@dataclass
class Watched:
    """A browser's page, what it complained about, and where it sent requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))


@dataclass(frozen=True)
class Chromium:
    """A running Chromium."""

    browser: Browser

    @contextmanager
    def page(self, width: int = 1280, height: int = 800, **options: Any) -> Iterator[Watched]:
        """A page in a profile of its own."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, **options)
        try:
            yield Watched(context.new_page())
        finally:
            context.close()


@contextmanager
def running_chromium(path: str) -> Iterator[Chromium]:
    """The Chromium at `path`. Inside, this thread has an event loop that runs, so nothing else may start one."""
    with sync_playwright() as playwright:
        # Chromium refuses to make a sandbox as root, as builds in containers run.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield Chromium(browser)
        finally:
            browser.close()
