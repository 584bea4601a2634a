"""What the process gives to a command, so that no command reads the environment or the time by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Invocation:
    """The environment variables and the clock of one call of the program."""

    environ: Mapping[str, str] = field(repr=False)
    clock: Clock = field(default_factory=SystemClock)
