"""What the errors collector of one replica leaves to that of the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.collect.drilldown import Signature, StepKey, StepReading
from exporter.collect.rollup import OpenCount


@dataclass(frozen=True, slots=True)
class ErrorsImage:
    """Open errors by flow as told last, what each flow was asked at, and the steps with open errors."""

    counts: Mapping[str, OpenCount] = field(default_factory=dict)
    served: Mapping[str, Signature] = field(default_factory=dict)
    steps: tuple[tuple[StepKey, StepReading], ...] = ()
