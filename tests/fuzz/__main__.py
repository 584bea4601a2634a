"""`python -m tests.fuzz [TARGET...] --minutes N`: fuzz, print the figures, exit 1 when something broke."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.target import Target

HANG_SECONDS = 60
"""When libFuzzer calls an input a hang: far above what a busy machine makes of the seconds that one may cost."""

MEMORY_MB = 1024

_STATUS = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_FINAL = re.compile(r"stat::(\w+):\s+(\d+)")


@dataclass(slots=True)
class Figures:
    """What a run of one target came to."""

    executions: int = 0
    coverage: int = 0
    features: int = 0
    corpus: int = 0
    memory_mb: int = 0
    slowest: float = 0.0
    broken: list[str] = field(default_factory=list)
    ended: bool = False

    def read(self, line: str) -> None:
        """Take what a line of the worker tells."""
        if match := _STATUS.search(line):
            self.coverage, self.features, self.corpus = (int(number) for number in match.groups())
        if match := _FINAL.search(line):
            name, number = match[1], int(match[2])
            self.executions = number if name == "number_of_executed_units" else self.executions
            self.memory_mb = number if name == "peak_rss_mb" else self.memory_mb
        if line.startswith("FUZZ slowest "):
            self.slowest = float(json.loads(line.removeprefix("FUZZ slowest "))["seconds"])
        if line.startswith("FUZZ broken "):
            self.broken.append(json.loads(line.removeprefix("FUZZ broken "))["place"])


def fuzz(target: Target, seconds: int, corpus: Path | None, log: Path | None) -> Figures:
    """Run one target for that long."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as scratch:
        grown = corpus / target.name if corpus is not None else Path(scratch)
        grown.mkdir(parents=True, exist_ok=True)
        folders = [grown, *(each for each in (target.seeds, target.found) if each.is_dir())]
        options = [
            f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={target.longest}", "-print_final_stats=1", "-report_slow_units=3600",
            f"-artifact_prefix={_kept(target)}/",
        ]  # fmt: skip
        command = [sys.executable, "-m", "tests.fuzz.worker", target.name, *options, *map(str, folders)]
        lines: list[str] = []
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as worker:
            for line in worker.stderr or ():
                figures.read(line)
                lines.append(line)
        figures.ended = worker.returncode == 0
        if log is not None:
            log.mkdir(parents=True, exist_ok=True)
            (log / f"{target.name}.log").write_text("".join(lines))
    return figures


def _kept(target: Target) -> Path:
    """Where libFuzzer leaves an input that hangs or takes too much memory."""
    target.found.mkdir(parents=True, exist_ok=True)
    return target.found


def main() -> int:
    """Fuzz; 1 when a promise broke, or a worker ended otherwise than by its time."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *targets.NAMES], metavar="TARGET", help="default: all")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target (default: 10)")
    parser.add_argument("--corpus", type=Path, help="folder in which grown inputs are kept from run to run")
    parser.add_argument("--log", type=Path, help="folder for what the workers print")
    given = parser.parse_args()
    print(
        f"{'target':10} {'inputs':>10} {'coverage':>8} {'features':>8} {'corpus':>6} {'slowest':>8} {'memory':>7} bad"
    )
    sound = True
    for name in given.targets or targets.NAMES:
        target = targets.target(name)
        made = fuzz(target, max(1, round(given.minutes * 60)), given.corpus, given.log)
        print(
            f"{name:10} {made.executions:10} {made.coverage:8} {made.features:8} {made.corpus:6} "
            f"{made.slowest:7.3f}s {made.memory_mb:5}MB {len(made.broken)}",
            flush=True,
        )
        for place in made.broken:
            print(f"  broken: {place}", flush=True)
        if not made.ended:
            print("  the worker did not end by itself: a hang, or more memory than it may have", flush=True)
        sound = sound and made.ended and not made.broken
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
