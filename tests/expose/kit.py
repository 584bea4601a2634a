"""Families for tests: any at all, one of each kind in the catalogue, and what prometheus-client makes of them."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from hypothesis import strategies as st
from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as LibraryFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Distribution, Family, Metric, Scope, Series, Value
from exporter.expose.render import Format, header, help_text, lines

ACME = Scope("acme", "production")

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
LABEL_NAMES = NAMES.filter(lambda name: name not in {"account", "environment", "le"})
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text('\\"\n%{},= a', max_size=8)
NUMBERS = st.floats() | st.integers(-(10**20), 10**20).map(float)
COUNTS = st.integers(0, 10**15)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    kind = draw(st.sampled_from(["gauge", "counter", "histogram"]))
    name = f"celigo_{draw(NAMES)}" + ("_total" if kind == "counter" else "")
    bounds = st.lists(st.floats(0, 1e9), min_size=1, max_size=4, unique=True).map(sorted)
    return Metric(
        name,
        draw(st.sampled_from([kind])),
        draw(TEXTS),
        draw(TEXTS),
        tuple(draw(st.lists(LABEL_NAMES, max_size=4, unique=True))),
        buckets=tuple(draw(bounds)) if kind == "histogram" else (),
        scoped=draw(st.booleans()),
    )


@st.composite
def families(draw: st.DrawFn) -> Family:
    metric = draw(metrics())
    keys = st.tuples(*(TEXTS for _ in metric.labels))
    value: st.SearchStrategy[Value] = NUMBERS
    if metric.type == "histogram":
        value = st.builds(Distribution, st.tuples(*(COUNTS for _ in metric.buckets)), NUMBERS, COUNTS)
    return Family(metric, draw(st.dictionaries(keys, value, max_size=5)))


def ours(held: Iterable[Family], fmt: Format, scope: Scope | None = ACME) -> bytes:
    """A document of `held` by the exporter's renderer, headers of empty families included as the library does."""
    return b"".join(header(family.metric, fmt) + lines(family, scope) for family in held) + fmt.end


def library(held: Sequence[Family], fmt: Format, scope: Scope | None = ACME) -> bytes:
    """The same document by prometheus-client."""
    source = _Source([_library_family(family, scope if family.metric.scoped else None) for family in held])
    if fmt is Format.OPENMETRICS:
        made = openmetrics.generate_latest(source)  # type: ignore[no-untyped-call]  # the library has no types there
        assert isinstance(made, bytes)
        return made
    return exposition.generate_latest(source)


def parsed_families(document: str, fmt: Format) -> list[LibraryFamily]:
    """What prometheus-client's parsers read from a document."""
    if fmt is Format.OPENMETRICS:
        return list(parse_openmetrics(document))  # type: ignore[no-untyped-call]  # the library has no types there
    return list(parse_text(document))


class Meeting:
    """Waits a moment inside of something that one thread at a time should be in, for a second thread to come along."""

    def __init__(self) -> None:
        self.visits = 0
        self.met = False
        self._barrier = threading.Barrier(2)

    def visit(self) -> None:
        """Be inside; whoever is alone leaves after a moment, and nobody waits again."""
        self.visits += 1
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(0.2)
            self.met = True


def go_number(value: float) -> str:
    """A number as prometheus-client writes it."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library has no types there


class _Source(Collector):
    def __init__(self, held: Sequence[LibraryFamily]) -> None:
        self._held = held

    def collect(self) -> Iterable[LibraryFamily]:
        return self._held


def _library_family(family: Family, scope: Scope | None) -> LibraryFamily:
    metric, fixed = family.metric, scope or ()
    names = [*metric.labels, *(("account", "environment") if scope else ())]
    if metric.type == "histogram":
        histogram = HistogramMetricFamily(metric.name, help_text(metric), labels=names)
        for key, value in family.series.items():
            assert isinstance(value, Distribution)
            bounds = [go_number(bound) for bound in metric.buckets]
            buckets = [*zip(bounds, value.cumulative, strict=True), ("+Inf", value.count)]
            histogram.add_metric([*key, *fixed], buckets, value.sum)
        return histogram
    kind = CounterMetricFamily if metric.type == "counter" else GaugeMetricFamily
    plain = kind(metric.name, help_text(metric), labels=names)
    for key, value in family.series.items():
        assert isinstance(value, float)
        plain.add_metric([*key, *fixed], value)
    return plain


def example(metric: Metric, marks: Sequence[str] = ("a", "b"), value: float = 1.0) -> Family:
    """A family of the metric with one series for each mark, or just one when it has no labels."""
    keys = [tuple(f"{label}-{mark}" for label in metric.labels) for mark in marks]
    return Family(metric, dict.fromkeys(keys, example_value(metric, value)))


def example_value(metric: Metric, value: float = 1.0) -> Value:
    if metric.type != "histogram":
        return value
    return Distribution(tuple(range(1, len(metric.buckets) + 1)), 17.5, len(metric.buckets) + 2)


def every_family() -> Iterator[Family]:
    """One family of each metric in the catalogue."""
    return (example(metric) for metric in CATALOGUE)


def series_of(metric: Metric, *keys: tuple[str, ...]) -> Series:
    return dict.fromkeys(keys, example_value(metric))
