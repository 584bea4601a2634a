"""What the samples of each integration add up to, summed anew only where one of them changed.

Each sum is exact, so that what went is taken off and what came is added, and nothing drifts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.changes import altered, kept
from exporter.collect.ageing import expiring, merged, older_than
from exporter.collect.samples import OTHER, Sample, most_frequent, summed


@dataclass(frozen=True, slots=True)
class SampleSum:
    """The open errors of several steps as far as they were read.

    `occurred` and `purges` are the instants that are known, ascending. `unassigned` counts records that nobody is
    assigned to; it is None where no record says.
    """

    classifications: Mapping[str, int]
    sources: Mapping[str, int]
    codes: Mapping[str, int]
    occurred: Sequence[float] = field(repr=False)
    purges: Sequence[float] = field(repr=False)
    unassigned: int | None


def sum_of(samples: Sequence[Sample]) -> SampleSum:
    """Add up `samples`; where any tells of assignments, one that does not has nobody assigned."""
    assigned = [row.assigned for row in samples if row.assigned is not None]
    return SampleSum(
        classifications=summed(row.classifications for row in samples),
        sources=summed(row.sources for row in samples),
        codes=summed(row.codes for row in samples),
        occurred=merged(row.occurred for row in samples),
        purges=merged(row.purges for row in samples),
        unassigned=sum(row.read for row in samples) - sum(assigned) if assigned else None,
    )


class SampleSums:
    """The sums by integration and the codes of all of them; used by one thread.

    `classifications`, `sources`, `ages`, `expiring` and `unassigned` are by integration, and the same mappings again
    while they hold the same. `codes` bounds the distinct error codes.
    """

    def __init__(self, codes: int) -> None:
        self._bound = codes
        self._samples: Mapping[str, Sequence[Sample]] = {}
        self._sums: Mapping[str, SampleSum] = {}
        self._all_codes: dict[str, int] = {}
        self.codes: Mapping[str, int] = {}
        self.ages: Mapping[str, Mapping[str, int]] = {}
        self.expiring: Mapping[str, int] = {}

    def __bool__(self) -> bool:
        """Whether any record was read."""
        return bool(self._sums)

    @property
    def folded(self) -> int:
        """How many distinct codes are in `codes` only as a part of `other`."""
        return max(0, len(self._all_codes) - (OTHER in self._all_codes) - self._bound)

    @property
    def classifications(self) -> dict[str, Mapping[str, int]]:
        """Records by class, by integration."""
        return {name: each.classifications for name, each in self._sums.items()}

    @property
    def sources(self) -> dict[str, Mapping[str, int]]:
        """Records by source, by integration."""
        return {name: each.sources for name, each in self._sums.items()}

    @property
    def unassigned(self) -> dict[str, int]:
        """Records that nobody is assigned to, of the integrations where any record tells."""
        return {name: each.unassigned for name, each in self._sums.items() if each.unassigned is not None}

    def follow(self, samples: Mapping[str, Sequence[Sample]]) -> None:
        """Take over the samples of these integrations; the others stay as they were."""
        # Samples that stayed are the same objects, which lists compare without a look into them.
        changed = {name: held for name, held in samples.items() if held != self._samples.get(name, [])}
        if not changed:
            return
        before = self._sums
        self._samples = altered(self._samples, {name: held or None for name, held in changed.items()})
        self._sums = altered(before, {name: sum_of(held) if held else None for name, held in changed.items()})
        for name in changed:
            self._count(before.get(name), -1)
            self._count(self._sums.get(name), 1)
        codes = most_frequent(self._all_codes, self._bound)
        self.codes = self.codes if codes == self.codes else codes

    def age(self, now: float) -> None:
        """Let `ages` and `expiring` be those at `now`, Unix seconds."""
        held = self.ages
        ages = {name: older_than(each.occurred, now) for name, each in self._sums.items()}
        self.ages = kept(held, {name: held[name] if held.get(name) == row else row for name, row in ages.items()})
        self.expiring = kept(self.expiring, {name: expiring(each.purges, now) for name, each in self._sums.items()})

    def _count(self, each: SampleSum | None, sign: int) -> None:
        for code, number in ({} if each is None else each.codes).items():
            left = self._all_codes.get(code, 0) + sign * number
            if left:
                self._all_codes[code] = left
            else:
                del self._all_codes[code]
