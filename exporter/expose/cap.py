"""The bound on an account's series: which families are left out when it has more, in an order that never changes.

Most detailed first: families of steps, of flows, of everything else that has an id; among these those of the largest
profile, and those that stand last in the catalogue. Account totals and what the exporter tells of itself always stay.
"""

from collections.abc import Mapping

from exporter.config.settings import PROFILES
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.catalogue.own import OWN
from exporter.expose.families import Metric

RETURN_RATIO = 0.95
"""Families come back when the rest stays below this share of the bound with them: counts that move a little around the
bound must not make a family come and go."""


def _detail(metric: Metric) -> int:
    """0 for the most detailed: steps, flows, other things with an id, and what belongs to the account as a whole."""
    if "step_id" in metric.labels:
        return 0
    if "flow_id" in metric.labels:
        return 1
    return 2 if any(label.endswith("_id") for label in metric.labels) else 3


def _order() -> tuple[str, ...]:
    droppable = [metric for metric in reversed(CATALOGUE) if metric not in OWN and _detail(metric) < 3]
    return tuple(
        metric.name for metric in sorted(droppable, key=lambda each: (_detail(each), -PROFILES.index(each.tier)))
    )


ORDER = _order()
"""Names of the families that may be left out, the first to go first."""


class SeriesCap:
    """How many families of `ORDER` are left out of one account; used by one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._gone = 0

    def left_out(self, counts: Mapping[str, int], others: int) -> frozenset[str]:
        """Names of families to leave out, so that `counts` by family and `others` together fit the bound.

        Some stay out that would fit, as long as they would fit only barely. What cannot be left out may be too much.
        """
        total = sum(counts.values()) + others
        if not self._gone and total <= self._most:
            return frozenset()
        needed = _needed(counts, total - self._most)
        # Between the two, what was left out before stays out and nothing else does.
        enough = _needed(counts, total - int(self._most * RETURN_RATIO))
        self._gone = max(needed, min(self._gone, enough))
        return frozenset(name for name in ORDER[: self._gone] if name in counts)


def _needed(counts: Mapping[str, int], excess: int) -> int:
    """How many families have to go for `excess` series to go with them."""
    for number, name in enumerate(ORDER):
        if excess <= 0:
            return number
        excess -= counts.get(name, 0)
    return len(ORDER)
