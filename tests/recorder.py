"""Remembers every request that the exporter sends during the whole test run, and what every test printed.

`tests/test_whole_run.py` runs last and judges what was remembered. Requests of this process are seen where `requests`
sends them; requests of exporters in other processes come from the request log of the simulator they talked to.
"""

from collections import Counter
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
        self.calls: Counter[tuple[str, str]] = Counter()
        self.leaks: list[str] = []

    def sent(self, method: str, url: str) -> None:
        """Remember a request."""
        self.calls[method, urlsplit(url).path] += 1

    @property
    def count(self) -> int:
        """Requests so far."""
        return self.calls.total()

    def by_template(self) -> Counter[tuple[str, str]]:
        """Requests by method and path, with each id shown as its place."""
        counts: Counter[tuple[str, str]] = Counter()
        for (method, path), count in self.calls.items():
            words = path.split("/")
            # Only the places that hold ids in the contract's calls; anything else is shown as it was sent.
            shown = [_PLACE if _is_id(words, place) else word for place, word in enumerate(words)]
            counts[method, "/".join(shown)] += count
        return counts

    def printed(self, where: str, text: str) -> None:
        """Remember where a token was printed, if one was; the text itself is not kept."""
        self.leaks.extend(f"{where}: token number {number}" for number, token in enumerate(TOKENS) if token in text)

    def simulator_log(self, entries: list[Mapping[str, Any]]) -> None:
        """Take over the request log of a simulator that only an exporter talked to."""
        for entry in entries:
            self.sent(str(entry["method"]), str(entry["path"]))


_PLACE = "{id}"


def _is_id(words: list[str], place: int) -> bool:
    parents = {"integrations", "flows", "jobs"}
    below_flow = place == 4 and words[2] == "flows" and words[4] != "errors"
    return (place == 3 and words[2] in parents and words[3] != "current") or below_flow


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
