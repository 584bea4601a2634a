"""Remembers every request that the exporter sends during the whole test run, and what every test printed.

`tests/test_whole_run.py` runs last and judges what was remembered. Requests of this process are seen where `requests`
sends them; requests of exporters in other processes come from the request log of the simulator they talked to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

AGENT = "celigo-exporter"
TOKENS = ("demo-token", "other-token", "prober-token-4f1c")
"""Every token that tests hand to an exporter; none may ever be printed."""


class Recorder:
    """Calls as (method, path), and the output of each test by its id."""

    def __init__(self) -> None:
        self.calls: set[tuple[str, str]] = set()
        self.count = 0
        self.leaks: list[str] = []

    def sent(self, method: str, url: str) -> None:
        """Remember a request."""
        self.count += 1
        self.calls.add((method, urlsplit(url).path))

    def printed(self, where: str, text: str) -> None:
        """Remember where a token was printed, if one was; the text itself is not kept."""
        self.leaks.extend(f"{where}: token number {number}" for number, token in enumerate(TOKENS) if token in text)

    def simulator_log(self, entries: list[Mapping[str, Any]]) -> None:
        """Take over the request log of a simulator that only an exporter talked to."""
        for entry in entries:
            self.sent(str(entry["method"]), str(entry["path"]))


RECORDER = Recorder()


@contextmanager
def watching_requests() -> Iterator[None]:
    """Record what the exporter's sessions send in this process."""
    real_send = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if AGENT in str(request.headers.get("User-Agent", "")):
            RECORDER.sent(str(request.method), str(request.url))
        return real_send(self, request, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(requests.Session, "send", send)
    try:
        yield
    finally:
        patch.undo()
