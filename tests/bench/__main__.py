"""`make bench`: what a scrape and a refresh cost, by the size of the account, each figure beside what was promised.

`--flows` is the size that the promises are held against, 10,000 by default; `--largest` adds 50,000 to the sizes, and
`--part` (again and again) chooses among them. `--json` prints one JSON document.

Other benches: `--series` counts the series of each profile, and `--write` keeps the figures for docs/metrics.md.
`--rules` lets a real Prometheus evaluate the alert rules over 10,000 flows. `--boards` asks one everything that the
dashboards ask; with `--keep` the account's document is read once and used again within the hour, and `--only` times
one board. `--page` times the page at `/`. `--fleet` measures an hour of several accounts of 1,000 flows in one process,
`--prometheus` what a series costs Prometheus; both print what docs/scaling.md reckons with.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench import boards, cost, fleet, head, page, rules, series
from tests.e2e.simulated import SimulatedAccount

KEPT_FOR = 3600
"""Seconds. In an older document every flow is late."""


def main() -> int:
    """Measure and print; 1 when a board takes too long."""
    wanted = _parser().parse_args()
    if wanted.series:
        return count_series(wanted.flows, write=wanted.write)
    if wanted.rules:
        with SimulatedAccount(wanted.flows) as account:
            rules.show(wanted.flows, rules.measure(account.url))
        return 0
    if wanted.page:
        page.show(wanted.flows)
        return 0
    if wanted.boards:
        return time_boards(wanted.flows, wanted.keep, wanted.only)
    if wanted.fleet:
        return tell(fleet, fleet.measure(), as_json=wanted.json)
    if wanted.prometheus:
        return tell(head, head.measure(), as_json=wanted.json)
    found = cost.measure(wanted.flows, wanted.part or cost.PARTS, largest=wanted.largest)
    return tell(cost, found, as_json=wanted.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--flows", type=int, default=10_000)
    parser.add_argument("--part", choices=cost.PARTS, action="append")
    parser.add_argument("--largest", action="store_true")
    parser.add_argument("--json", action="store_true")
    for other in ("--series", "--write", "--rules", "--boards", "--page", "--fleet", "--prometheus"):
        parser.add_argument(other, action="store_true")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--only", metavar="BOARD")
    return parser


def tell(measuring: Any, found: Any, *, as_json: bool) -> int:
    """Print what a module measured."""
    if as_json:
        json.dump(measuring.content(found), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        measuring.show(found)
    return 0


def count_series(flows: int, *, write: bool) -> int:
    """Count and print the series of each profile."""
    with SimulatedAccount(flows) as account:
        profiles = series.series_by_profile(account.url)
    series.show(flows, profiles)
    if write:
        series.write(flows, profiles)
    return 0


def time_boards(flows: int, keep: Path | None, only: str | None) -> int:
    """Time and print every board; 1 when one takes too long."""
    kept = keep / f"document-{flows}.prom" if keep is not None else None
    if kept is not None and kept.exists() and time.time() - kept.stat().st_mtime < KEPT_FOR:
        document = kept.read_bytes()
    else:
        with SimulatedAccount(flows) as account:
            document = series.whole_document(account.url)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(document)
    timings = boards.measure(document.decode(), only)
    boards.show(flows, timings)
    return 0 if timings.all_quick else 1


if __name__ == "__main__":
    sys.exit(main())
