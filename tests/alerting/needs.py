"""What each alert rests on: the profile that serves its metrics, and the thresholds that change it.

A recording rule is followed to what it records. What only silences (`unless`) is no need, and of two sides joined by
`or` the one that is easier to have is enough.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec
from promql_parser import BinaryExpr, Expr, VectorSelector, parse

from exporter.config.settings import PROFILES
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Tier
from exporter.rules.compose import annotations, joined
from exporter.rules.source import Alert, Recording, groups
from exporter.rules.thresholds import Thresholds, default_thresholds
from tests.alerting.expression import parts, selectors, series

FOREIGN = frozenset({"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added"})
"""Series that Prometheus has by itself."""

_TIERS: Mapping[str, Tier] = {metric.name: metric.tier for metric in CATALOGUE}
_SUFFIXES = ("_bucket", "_sum", "_count")


class Named(msgspec.Struct, frozen=True):
    """A rule of the composed file."""

    expr: str
    record: str = ""
    alert: str = ""
    annotations: Mapping[str, str] = {}


def composed() -> Iterator[Named]:
    """Every rule with the bundled thresholds, alerts about flows with their condition in full."""
    fill = default_thresholds().fill
    for rule in (rule for group in groups() for rule in group.rules):
        if isinstance(rule, Recording):
            yield Named(fill(rule.expr), record=rule.record)
        else:
            texts = {name: fill(text) for name, text in annotations(rule).items()}
            yield Named(fill(joined(rule)), alert=rule.alert, annotations=texts)


def family(name: str) -> str:
    """Name of the metric that the series `name` belongs to: a histogram's for its buckets, sum and count."""
    if name in _TIERS:
        return name
    return next((base for end in _SUFFIXES if (base := name.removesuffix(end)) in _TIERS), name)


def placeholders(text: str) -> frozenset[str]:
    """Names of the thresholds in `text`."""
    return frozenset(re.findall(r"\$\{(\w+)", text))


@dataclass(frozen=True)
class Needs:
    """Answers for all alerts; expressions are read once."""

    @cached_property
    def recorded(self) -> Mapping[str, Expr]:
        """Recording rules by what they record."""
        return {rule.record: parse(rule.expr) for rule in composed() if rule.record}

    @cached_property
    def alerting(self) -> Mapping[str, Expr]:
        """Expressions by alert."""
        return {rule.alert: parse(rule.expr) for rule in composed() if rule.alert}

    def profile(self, alert: str) -> Tier:
        """The smallest profile with which `alert` can fire."""
        return self.served(self.alerting[alert])

    def served(self, part: Expr) -> Tier:
        """The smallest profile with which there can be an answer to `part`."""
        return PROFILES[self._least(part)]

    def thresholds(self, alert: Alert) -> list[str]:
        """Thresholds that decide whether and when `alert` fires, in the order of their file."""
        texts = [alert.expr, alert.lasting, *(self._sources[name] for name in self.recordings(alert.alert))]
        used = frozenset().union(*(placeholders(text) for text in texts))
        return [name for name in self._defaults.values if name in used]

    def recordings(self, alert: str) -> set[str]:
        """Recording rules behind `alert`, over any number of steps."""
        found: set[str] = set()
        open_ = [self.alerting[alert]]
        while open_:
            names = {series(part) for part in selectors(open_.pop())} & self.recorded.keys() - found
            found |= names
            open_ += [self.recorded[name] for name in names]
        return found

    @cached_property
    def _defaults(self) -> Thresholds:
        return default_thresholds()

    @cached_property
    def _sources(self) -> Mapping[str, str]:
        rules = [rule for group in groups() for rule in group.rules]
        return {rule.record: rule.expr for rule in rules if isinstance(rule, Recording)}

    def _least(self, part: Expr) -> int:
        """Place of the smallest profile for `part` among all profiles."""
        if isinstance(part, VectorSelector):
            return self._served(series(part))
        places = [self._least(inner) for inner in parts(part)]
        operator = str(part.op) if isinstance(part, BinaryExpr) else ""
        if operator == "unless":
            return places[0]
        return min(places) if operator == "or" else max(places, default=0)

    def _served(self, name: str) -> int:
        """Place of the smallest profile that has the series `name`."""
        if name in self.recorded:
            return self._least(self.recorded[name])
        return 0 if name in FOREIGN else PROFILES.index(_TIERS[family(name)])
