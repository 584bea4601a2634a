"""What a target is: a promise about any input, and what its inputs look like."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from exporter.config.problem import TOKEN_LIKE_CHARACTERS
from tests.fuzz import mutation

HERE = Path(__file__).parent

CANARY = "cAnArY7Q4kZ9w2Xc5Vb8Nm1Lp3Rt6"
"""Stands in inputs for what must not be repeated: a token, a password, a customer's record."""

CPU_SECONDS = 5.0
"""What one input may cost, in seconds of the processor, so that a busy machine fails nothing. Inputs are a few KiB and
take milliseconds; instrumented for coverage they take ten times as long."""


class Broken(AssertionError):
    """A promise of a target does not hold for an input."""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of untrusted input.

    `check` raises for an input for which the promise does not hold, and returns for any other. `words` are pieces that
    inputs of this kind are made of; `longest` is the size of the largest input in bytes; `quick` is how many inputs
    `make test` makes of the seeds.
    """

    name: str
    promise: str
    check: Callable[[bytes], None]
    words: tuple[bytes, ...] = ()
    longest: int = 4096
    mutate: mutation.Mutation = mutation.text
    quick: int = 200

    @property
    def seeds(self) -> Path:
        """The folder with inputs to begin with."""
        return HERE / "seeds" / self.name

    @property
    def found(self) -> Path:
        """The folder with inputs that once broke the promise."""
        return HERE / "found" / self.name

    def inputs(self) -> list[Path]:
        """Seeds and what was found."""
        return sorted(path for folder in (self.seeds, self.found) for path in folder.glob("*") if path.is_file())

    def mutated(self, held: bytes, random: Random) -> bytes:
        """An input made of another one."""
        return self.mutate(held, random, self.words)[: self.longest]

    def run(self, held: bytes) -> float:
        """Check one input, its cost included; the seconds of the processor that it took."""
        LOGS.clear()
        started = time.process_time()
        self.check(held)
        seconds = time.process_time() - started
        if seconds > CPU_SECONDS:
            raise Broken(f"took {seconds:.1f} s")
        if any(CANARY in line for line in LOGS.lines):
            raise Broken("the log repeats what must not be repeated")
        return seconds


class Logs(logging.Handler):
    """Everything that is logged while an input is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the line."""
        self.lines.append(f"{record.getMessage()} {getattr(record, 'fields', '')}")

    def clear(self) -> None:
        """Forget what was logged before."""
        self.lines.clear()


LOGS = Logs()


@contextmanager
def watch_logs() -> Iterator[None]:
    """Inside, what is logged is remembered."""
    root = logging.getLogger()
    root.addHandler(LOGS)
    try:
        yield
    finally:
        root.removeHandler(LOGS)


def require(holds: object, promise: str) -> None:
    """Raise Broken unless `holds`."""
    if not holds:
        raise Broken(promise)


def keeps_secret(text: str) -> None:
    """Raise Broken when `text` repeats a part of the canary that is long enough for a token."""
    parts = (CANARY[at : at + TOKEN_LIKE_CHARACTERS] for at in range(len(CANARY) - TOKEN_LIKE_CHARACTERS + 1))
    require(not any(part in text for part in parts), "a message repeats the secret")
