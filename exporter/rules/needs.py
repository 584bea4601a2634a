"""What each alert rests on: the profile that serves its metrics, and the thresholds that change it.

A recording rule is followed to what it records. What only silences (`unless`) is no need, and of two sides joined by
`or` the one that is easier to have is enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from exporter.config.settings import PROFILES
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Tier
from exporter.rules.compose import annotations, joined
from exporter.rules.expression import Aggregation, Binary, Call, Expression, Selector, parse, selectors
from exporter.rules.source import Alert, Recording, groups
from exporter.rules.thresholds import Thresholds, default_thresholds, placeholders

FOREIGN = frozenset({"up", "scrape_duration_seconds"})
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


def family(series: str) -> str:
    """Name of the metric that `series` belongs to: a histogram's for its buckets, sum and count."""
    if series in _TIERS:
        return series
    return next((base for end in _SUFFIXES if (base := series.removesuffix(end)) in _TIERS), series)


@dataclass(frozen=True)
class Needs:
    """Answers for all alerts; expressions are read once."""

    @cached_property
    def recorded(self) -> Mapping[str, Expression]:
        """Recording rules by what they record."""
        return {rule.record: parse(rule.expr) for rule in composed() if rule.record}

    @cached_property
    def alerting(self) -> Mapping[str, Expression]:
        """Expressions by alert."""
        return {rule.alert: parse(rule.expr) for rule in composed() if rule.alert}

    def profile(self, alert: str) -> Tier:
        """The smallest profile with which `alert` can fire."""
        return PROFILES[self._least(self.alerting[alert])]

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
            names = {part.name for part in selectors(open_.pop())} & self.recorded.keys() - found
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

    def _least(self, part: Expression) -> int:
        """Place of the smallest profile for `part` among all profiles."""
        if isinstance(part, Selector):
            if part.name in self.recorded:
                return self._least(self.recorded[part.name])
            return 0 if part.name in FOREIGN else PROFILES.index(_TIERS[family(part.name)])
        if isinstance(part, Binary):
            sides = self._least(part.left), self._least(part.right)
            return sides[0] if part.operator == "unless" else min(sides) if part.operator == "or" else max(sides)
        if isinstance(part, Call | Aggregation):
            return max((self._least(argument) for argument in part.arguments), default=0)
        return 0
