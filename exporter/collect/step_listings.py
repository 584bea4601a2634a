"""All exports and imports of an account, as the inventory collector reads them (contract 3.12).

The two lists fail apart. The client keeps each for half an hour, so that most readings cost no request and the facts
may be that old.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from exporter.api.cache import LIFETIMES
from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models import Step
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.derived import Derived
from exporter.collect.kept import Kept
from exporter.collect.steps import StepFacts, StepsClient, StepType, step_facts

KEPT_BY_CLIENT = max(LIFETIMES[Endpoint.EXPORTS], LIFETIMES[Endpoint.IMPORTS])
"""Seconds by which the lists may be older than what is asked for in every run."""


@dataclass(frozen=True, slots=True)
class StepListing:
    """Facts by step id. `complete` is false when there may be steps that no fact is known of."""

    facts: Mapping[str, StepFacts]
    complete: bool


@dataclass(frozen=True, slots=True)
class StepsView:
    """Exports and imports; None is a list that is not known."""

    exports: StepListing | None = None
    imports: StepListing | None = None

    @property
    def listings(self) -> tuple[Mapping[str, StepFacts], Mapping[str, StepFacts]]:
        """Facts of exports and of imports by step id; a step that is in both is an import."""
        exports, imports = self.exports, self.imports
        return exports.facts if exports else {}, imports.facts if imports else {}


class _Read:
    """One of the lists over its readings."""

    def __init__(self, step_type: StepType, lasting: float) -> None:
        self.at = float("-inf")
        self.newest: StepListing | None = None
        self.told: Mapping[str, StepFacts] | None = None
        self._facts: Derived[Step, StepFacts] = Derived(partial(step_facts, step_type=step_type))
        self._kept: Kept[StepFacts] = Kept(lasting)
        self._ever: Kept[StepFacts] = Kept(float("inf"))

    def take(self, listing: Listing[Step]) -> None:
        """Take over what is new; raises the failure that older rows stand in for."""
        if listing.fetched_at != self.at:
            found = self._facts.of(listing.rows)
            self.newest = StepListing(self._kept.merge(listing, found), listing.whole)
            self.told = self._ever.merge(listing, found)
            self.at = listing.fetched_at
        if listing.failure is not None:
            raise listing.failure

    def within(self, oldest: float) -> StepListing | None:
        return self.newest if self.at >= oldest else None


class StepListings:
    """Reads both lists; used by one thread. `lasting`: how many seconds facts may be older than the client's lists."""

    def __init__(self, client: StepsClient, lasting: float) -> None:
        self._client = client
        self._lasting = lasting + KEPT_BY_CLIENT
        self._exports = _Read("export", self._lasting)
        self._imports = _Read("import", self._lasting)

    @property
    def exports_told(self) -> Mapping[str, StepFacts] | None:
        """Exports by id as they were told last, however long ago: for what does not change while it is not seen.

        None before the first success.
        """
        return self._exports.told

    def read(self, refresh: Refresh, attempts: Attempts) -> None:
        """Ask for both lists, each as a step of `attempts`."""
        with attempts.step(proof=False):
            self._exports.take(self._client.exports(refresh).required(Endpoint.EXPORTS))
        if not attempts.hopeless:
            with attempts.step(proof=False):
                self._imports.take(self._client.imports(refresh).required(Endpoint.IMPORTS))

    def view(self, now: float) -> tuple[StepsView, float] | None:
        """What is known at monotonic instant `now` and not too old, and the instant it was true at."""
        oldest = now - self._lasting
        exports, imports = self._exports.within(oldest), self._imports.within(oldest)
        instants = [read.at for read, listing in ((self._exports, exports), (self._imports, imports)) if listing]
        return (StepsView(exports, imports), min(instants)) if instants else None
