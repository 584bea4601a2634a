"""What makes a simulated hour cheap.

Only the families that rules read are rendered, counters are read directly, and a request is put together by hand; what
is sent, and what becomes of the answer, is the same.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from prometheus_client import Counter, Histogram
from requests.structures import CaseInsensitiveDict

from exporter.api.telemetry import Telemetry
from exporter.expose import snapshot
from exporter.expose.families import Distribution, Family, Scope, Series


def counted(counter: Counter) -> Series:
    """Series of a counter with labels; the same as through `collect`, without a sample object for each."""
    children: Mapping[Sequence[str], Any] = counter._metrics
    return {tuple(labels): float(child._value.get()) for labels, child in children.items()}


def distributed(histogram: Histogram) -> Series:
    """Series of a histogram with labels, likewise."""
    children: Mapping[Sequence[str], Any] = histogram._metrics
    return {tuple(labels): _distribution(child) for labels, child in children.items()}


def _distribution(child: Any) -> Distribution:
    *cumulative, count = itertools.accumulate(int(bucket.get()) for bucket in child._buckets)
    return Distribution(tuple(cumulative), float(child._sum.get()), count)


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
    # Whatever stands for the renderer there, which may remember lines.
    render = vars(snapshot)["lines"]

    def rendered(family: Family, scope: Scope | None) -> bytes:
        wanted = names is None or _wanted(family.metric.name, names)
        return bytes(render(family, scope)) if wanted else b""

    def series(telemetry: Telemetry, name: str) -> Series:
        if names is not None and not _wanted(name, names):
            return {}
        counter = telemetry._counts.counters.get(name)
        return distributed(telemetry._counts.durations) if counter is None else counted(counter)

    with (
        mock.patch.object(snapshot, "lines", rendered),
        mock.patch.object(Telemetry, "series", series),
        mock.patch.object(requests.Session, "request", request),
    ):
        yield


def _wanted(family: str, names: frozenset[str]) -> bool:
    return any(f"{family}{suffix}" in names for suffix in ("", "_bucket", "_sum", "_count"))
