"""What is told about steps, and the names of those that have open errors (contract 3.12).

The lists of exports and imports are long, so the errors collector asks for them only when a step needs a name; the
client keeps them for half an hour.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from exporter.api.listing import Listing
from exporter.api.models import Step
from exporter.api.refresh import Refresh

StepType = Literal["export", "import"]


class StepsClient(Protocol):
    """The step lists of the client."""

    def exports(self, refresh: Refresh) -> Listing[Step]:
        """Contract 3.12."""
        ...

    def imports(self, refresh: Refresh) -> Listing[Step]:
        """Contract 3.12."""
        ...


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What is told about a step; empty text where the API tells nothing. `export_type` is an export's own `type`."""

    name: str
    type: StepType
    adaptor_type: str
    connection_id: str
    export_type: str = ""


def step_facts(row: Step, step_type: StepType) -> StepFacts:
    """Reduce a row of the list of `step_type`s."""
    return StepFacts(
        name=row.name or "",
        type=step_type,
        adaptor_type=row.adaptor_type or "",
        connection_id=row.connection_id or "",
        export_type=row.type or "" if step_type == "export" else "",
    )


class StepNames:
    """Facts of the steps that were asked for last; used by one thread."""

    def __init__(self, client: StepsClient) -> None:
        self._client = client
        self._facts: dict[str, StepFacts] = {}

    @property
    def facts(self) -> Mapping[str, StepFacts]:
        """Facts by step id."""
        return dict(self._facts)

    def read(self, refresh: Refresh, step_ids: Collection[str]) -> None:
        """Look up `step_ids`; without any nothing is asked. Raises ApiError, keeping what was known of them."""
        self._facts = {step_id: row for step_id, row in self._facts.items() if step_id in step_ids}
        if step_ids:
            self._take(self._client.exports(refresh), "export", step_ids)
            self._take(self._client.imports(refresh), "import", step_ids)

    def _take(self, listing: Listing[Step], step_type: StepType, step_ids: Collection[str]) -> None:
        for row in listing.rows:
            if row.id in step_ids:
                self._facts[row.id] = step_facts(row, step_type)
