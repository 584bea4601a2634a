"""`python -m tests.incidents [PATTERN...]`: plays scenarios and prints the table; 1 when a line is wrong.

A pattern fits a scenario's group, its name, or both as `group/name`. `--rules FILE` judges other rules than the shipped
ones, `--times` says how long each scenario took.
"""

import argparse
import sys
from pathlib import Path

from tests.incidents.matrix import Outcome, all_tried, heading, rows, scenarios, sums
from tests.incidents.rules import rules_of, shipped


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.incidents", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--rules", type=Path, metavar="FILE")
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args(arguments)
    judged = rules_of(options.rules.read_text("utf-8")) if options.rules else shipped()
    outcomes: list[Outcome] = []
    failed = False
    print(heading())
    for outcome in all_tried(scenarios(*options.patterns), judged):
        if isinstance(outcome, str):
            failed = True
            print(outcome, file=sys.stderr)
        else:
            outcomes.append(outcome)
            print(*rows(outcome), *_times(outcome, shown=options.times), sep="\n", flush=True)
    print("", *sums(outcomes), sep="\n")
    return int(failed or not outcomes or any(outcome.verdict.problems for outcome in outcomes))


def _times(outcome: Outcome, *, shown: bool) -> list[str]:
    return [f"  played in {outcome.playing:.1f} s, evaluated in {outcome.evaluating:.1f} s"] if shown else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
