"""A family of series as a value: which metric, and a number for each set of label values.

Series are keyed by their label values, so a duplicate series cannot be expressed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

MetricType = Literal["gauge", "counter", "histogram"]
Tier = Literal["lean", "standard", "full"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue.

    `labels` are the metric's own, in the order in which series keys give their values; `scoped` metrics carry `account`
    and `environment` besides. `source` names the call that the number comes from.
    """

    name: str
    type: MetricType
    help: str
    source: str
    labels: tuple[str, ...] = ()
    tier: Tier = "lean"
    buckets: tuple[float, ...] = ()
    scoped: bool = True


class Scope(NamedTuple):
    """Labels that every series about an account carries; see `Metric.scoped`."""

    account: str
    environment: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """State of a histogram series: cumulative counts per bucket of the metric (without +Inf), sum and count."""

    cumulative: tuple[int, ...]
    sum: float
    count: int


Value = float | Distribution
Series = Mapping[tuple[str, ...], Value]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its series of one account (or of the exporter itself when the metric is not scoped)."""

    metric: Metric
    series: Series


def known_series(values: Mapping[str, float | None]) -> Series:
    """Series with a single label from values by its value; an unknown value (None) has no series."""
    return {(key,): float(value) for key, value in values.items() if value is not None}
