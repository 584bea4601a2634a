"""What makes a simulated hour cheap.

Only the families that rules read are rendered, and a request is put together by hand; what is sent, and what becomes of
the answer, is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from requests.structures import CaseInsensitiveDict

from exporter.expose import blocks
from exporter.expose.families import Family, Scope
from exporter.expose.render import lines


def request(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    """Stands in for `Session.request`: no cookies, proxies, redirects or hooks, none of which the exporter uses."""
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = method, url, options["data"]
    prepared.headers = CaseInsensitiveDict({**session.headers, **(options["headers"] or {})})
    options["auth"](prepared)
    adapter = session.get_adapter(url)
    return adapter.send(prepared, stream=options["stream"], timeout=options["timeout"])


@contextmanager
def quick(names: frozenset[str] | None) -> Iterator[None]:
    """Inside, snapshots hold only the families that `names` are series of; None means all of them."""

    def rendered(family: Family, scope: Scope | None) -> bytes:
        wanted = names is None or _wanted(family.metric.name, names)
        return lines(family, scope) if wanted else b""

    with (
        mock.patch.object(blocks, "lines", rendered),
        mock.patch.object(requests.Session, "request", request),
    ):
        yield


def _wanted(family: str, names: frozenset[str]) -> bool:
    return any(f"{family}{suffix}" in names for suffix in ("", "_bucket", "_sum", "_count"))
