"""Remembers every request that the exporter sends during the whole test run, and what every test printed.

The end of the run judges what was remembered (see conftest); `tests/test_whole_run.py` proves that it does. Requests of
this process are seen where `requests` sends them; requests of exporters in other processes come from the request log of
the simulator they talked to. Where several processes share the tests, each hands its record over to the one that
judges.
"""

import re
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

_ID = r"[0-9A-Za-z_-]{1,64}"
ALLOWED = {
    "GET": (
        r"/v1/tokenInfo",
        r"/v1/(integrations|flows|connections|exports|imports|jobs|agents|audit|notifications|licenses)",
        r"/v1/licenseEntitlementUsage",
        rf"/v1/integrations/{_ID}/errors",
        rf"/v1/flows/{_ID}/errors",
        rf"/v1/flows/{_ID}/{_ID}/errors",
        rf"/v1/flows/{_ID}/lastExportDateTime",
        rf"/v1/jobs/{_ID}",
        rf"/v1/jobs/{_ID}/family",
    ),
    "POST": (r"/v1/jobs/current", r"/v1/flows/runs/stats"),
}
"""The contract's calls that this release makes, written down a second time on purpose."""


class Recorder:
    """Calls as (method, path), where a token was printed, and how many processes kept their record to themselves."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.leaks: set[str] = set()
        self.missing = 0

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
        self.leaks.update(f"{where}: token number {number}" for number, token in enumerate(TOKENS) if token in text)

    def simulator_log(self, entries: list[Mapping[str, Any]]) -> None:
        """Take over the request log of a simulator that only an exporter talked to."""
        for entry in entries:
            self.sent(str(entry["method"]), str(entry["path"]))

    def handed_over(self) -> dict[str, Any]:
        """Everything, in the plain types that travel between processes."""
        return {"calls": [[*call, count] for call, count in self.calls.items()], "leaks": sorted(self.leaks)}

    def take_over(self, record: Mapping[str, Any] | None) -> None:
        """Add the record of another process; None when it ended without handing one over."""
        if record is None:
            self.missing += 1
            return
        for method, path, count in record["calls"]:
            self.calls[method, path] += count
        self.leaks.update(record["leaks"])

    def complaints(self) -> list[str]:
        """What no run may show, one line each."""
        return [
            *(f"not allowed: {method} {path}" for method, path in sorted(self.calls) if not _is_allowed(method, path)),
            *(f"printed in {leak}" for leak in sorted(self.leaks)),
            *["a process ended without handing over its record"] * self.missing,
        ]


def _is_allowed(method: str, path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in ALLOWED.get(method, ()))


_PLACE = "{id}"


def _is_id(words: list[str], place: int) -> bool:
    parents = {"integrations", "flows", "jobs"}
    below_flow = place == 4 and words[2] == "flows" and words[4] not in {"errors", "stats", "lastExportDateTime"}
    return (place == 3 and words[2] in parents and words[3] not in {"current", "runs"}) or below_flow


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
