"""What was scraped, kept as a monitoring server keeps it: by series, with the instants at which a value changed."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache

from exporter.expose.catalogue import CATALOGUE

Point = tuple[float, float | None]
"""An instant and the value from there on; None from the first scrape that did not have the series."""

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_SUFFIXES = ("_bucket", "_sum", "_count")
_HISTOGRAMS = frozenset(metric.name for metric in CATALOGUE if metric.type == "histogram")


class Scraped:
    """Series of all scrapes of one account, oldest first. Only changes are kept, so a week is small.

    `newest_only` keeps nothing but the newest scrape, for worlds that run for months.
    """

    def __init__(self, *, newest_only: bool = False) -> None:
        self._newest_only = newest_only
        self.at: list[float] = []
        self.points: dict[bytes, list[Point]] = {}
        self.newest: dict[str, dict[bytes, float]] = {}
        self.changed: dict[bytes, float] = {}
        self._lines: frozenset[bytes] = frozenset()

    def add(self, at: float, document: bytes) -> None:
        """Take a document of the text format, scraped at Unix instant `at`."""
        lines = frozenset(document.split(b"\n"))
        new, old = lines - self._lines, self._lines - lines
        changed = dict(line.rsplit(b" ", 1) for line in new if line and not line.startswith(b"#"))
        gone = {line.rsplit(b" ", 1)[0] for line in old if line and not line.startswith(b"#")} - changed.keys()
        self.changed = {name: float(value) for name, value in changed.items()}
        for name, number in self.changed.items():
            self.points.setdefault(name, []).append((at, number))
            self.newest.setdefault(_metric(name), {})[name] = number
        for name in gone:
            self.points.setdefault(name, []).append((at, None))
            del self.newest[_metric(name)][name]
        self._lines = lines
        self.at.append(at)
        if self._newest_only:
            self.points.clear()
            del self.at[:-1]

    def now(self, name: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Newest values of a metric's series with these `labels`, by the values of the other labels in their order."""
        found: dict[tuple[str, ...], float] = {}
        for series, value in self.newest.get(name, {}).items():
            own = labels_of(series)
            if labels.items() <= own.items():
                rest = tuple(text for label, text in own.items() if label not in {*labels, "account", "environment"})
                found[rest] = value
        return found

    def value(self, name: str, **labels: str) -> float | None:
        """The newest value of the only series with these labels; None when there is none."""
        found = self.now(name, **labels)
        assert len(found) <= 1, f"{name}{labels} is {len(found)} series"
        return next(iter(found.values()), None)

    def families(self) -> frozenset[str]:
        """Names of all families in the newest scrape."""
        return frozenset(family_of(series) for series in self.series())

    def series(self) -> dict[bytes, float]:
        """Every series of the newest scrape."""
        return {series: value for held in self.newest.values() for series, value in held.items()}

    def at_instant(self, series: bytes, at: float) -> float | None:
        """Value of a series at an instant."""
        points = self.points.get(series, [])
        place = bisect_right(points, at, key=lambda point: point[0])
        return points[place - 1][1] if place else None

    def falls(self, name: str) -> list[bytes]:
        """Series of a metric that were ever lower than before, absence in between or not."""
        return [series for series, points in self.points.items() if _metric(series) == name and _falls(points)]

    def openmetrics(self) -> Iterator[bytes]:
        """Everything with its instants, as `promtool tsdb create-blocks-from openmetrics` reads it."""
        for series, points in sorted(self.points.items()):
            for at in self.at[bisect_right(self.at, points[0][0]) - 1 :]:
                value = self.at_instant(series, at)
                if value is not None:
                    yield b"%s %r %.3f\n" % (series, value, at)
        yield b"# EOF\n"


def _falls(points: list[Point]) -> bool:
    values = [value for _, value in points if value is not None]
    return any(later < earlier for earlier, later in itertools.pairwise(values))


@lru_cache(maxsize=200_000)
def _metric(series: bytes) -> str:
    return series.split(b"{", 1)[0].decode()


def family_of(series: bytes) -> str:
    """The family that a series belongs to."""
    name = _metric(series)
    base = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)
    return base if base in _HISTOGRAMS else name


@lru_cache(maxsize=200_000)
def labels_of(series: bytes) -> Mapping[str, str]:
    """The labels of a series."""
    return dict(_LABEL.findall(series.decode()))
