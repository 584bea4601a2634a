"""The `open_errors` view: everything that is known of open errors at one time, and what it is put together from.

The same readings give the same view. A number that is not known has no entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.collect.drilldown import StepKey, StepReading
from exporter.collect.known import Known
from exporter.collect.rollup import OpenCount


@dataclass(frozen=True, slots=True)
class Readings:
    """What the view is made from; `fresh` are the integrations whose roll-up is not stale.

    No mapping is changed afterwards, and a fact that stayed as it was is the same object as in the readings before.
    `steps` are of flows that are in `counts`. `now` is Unix seconds by the server's clock.
    """

    known: Known
    counts: Mapping[str, OpenCount]
    fresh: frozenset[str]
    now: float
    steps: Mapping[StepKey, StepReading] = field(default_factory=dict)
    cleared: frozenset[StepKey] = frozenset()
    outdated_flows: frozenset[str] = frozenset()
    outdated_steps: frozenset[StepKey] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenErrorsView:
    """Open errors of an account.

    `classifications`, `sources`, `ages` (by the members of `AGES`) and `expiring` hold an entry for each integration
    whose breakdown is known, as far as records were read; `unassigned` only where the API tells assignments, or no
    error is open. `codes` is None when no record was read although errors are open. `folded_codes` is how many distinct
    codes went to `other`. `flow_steps` are the entries of `steps` by flow, in their order.

    No mapping is changed afterwards. One that holds the same as in the view before is the same object, and in the
    others each flow that stayed as it was has the same one.
    """

    flows: Mapping[str, OpenCount]
    integrations: Mapping[str, int]
    steps: Mapping[StepKey, int]
    oldest: Mapping[str, float]
    classifications: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, Mapping[str, int]]
    codes: Mapping[str, int] | None
    folded_codes: int
    sampled_ratio: float
    ages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    expiring: Mapping[str, int] = field(default_factory=dict)
    unassigned: Mapping[str, int] = field(default_factory=dict)
    flow_steps: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
