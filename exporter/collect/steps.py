"""What is told about a step, an export or an import, and the calls that tell it (contract 3.12)."""

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
