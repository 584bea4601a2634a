"""One target under atheris, in a process of its own: `python -m tests.fuzz.worker NAME [libFuzzer's options]`.

An input that breaks the promise is kept, one for each place where that happens, and the search goes on.
"""

import hashlib
import json
import sys
import traceback
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped]  # it has no types

from tests.fuzz import targets

INSTRUMENTED = ("exporter", "cronsim", "yaml", "h11")


class Search:
    """Runs inputs, keeps what breaks, and remembers the slowest."""

    def __init__(self, name: str) -> None:
        with atheris.instrument_imports(include=list(INSTRUMENTED), enable_loader_override=False):
            self.target = targets.target(name)
        self._places: set[str] = set()
        self._slowest = 0.0

    def one(self, held: bytes) -> None:
        """What libFuzzer calls for every input."""
        try:
            seconds = self.target.run(held)
        except Exception as error:
            self._keep(held, error)
            return
        if seconds > self._slowest:
            self._slowest = seconds
            _say("slowest", {"seconds": round(seconds, 3), "bytes": len(held)})

    def mutator(self, held: bytes, most: int, seed: int) -> bytes:
        """Half of the changes are made by libFuzzer, the others know what inputs look like."""
        random = Random(seed)
        if random.random() < 0.5:
            changed: bytes = atheris.Mutate(held, most)
            return changed
        return self.target.mutated(held, random)[:most]

    def _keep(self, held: bytes, error: Exception) -> None:
        place = _place(error)
        if place in self._places:
            return
        self._places.add(place)
        self.target.found.mkdir(parents=True, exist_ok=True)
        file = self.target.found / hashlib.sha256(held).hexdigest()[:16]
        file.write_bytes(held)
        _say("broken", {"place": place, "file": file.name})
        traceback.print_exception(error, file=sys.stderr)


def _place(error: Exception) -> str:
    """Where it broke: the class and the innermost calls of the exporter and of the target."""
    frames = traceback.extract_tb(error.__traceback__)
    inner = [frame for frame in frames if "/exporter/" in frame.filename or "/targets/" in frame.filename][-2:]
    return " ".join([type(error).__name__, *(f"{Path(frame.filename).name}:{frame.lineno}" for frame in inner)])


def _say(kind: str, fields: dict[str, object]) -> None:
    """A line for the process that waits for this one."""
    sys.stderr.write(f"FUZZ {kind} {json.dumps(fields)}\n")
    sys.stderr.flush()


def main() -> None:
    """Run until libFuzzer's own options end it."""
    name, *options = sys.argv[1:]
    search = Search(name)
    from tests.fuzz.target import watch_logs  # after the instrumentation

    atheris.Setup([sys.argv[0], *options], search.one, custom_mutator=search.mutator)
    with watch_logs():
        atheris.Fuzz()


if __name__ == "__main__":
    main()
