"""A Prometheus that has scraped an account and evaluated the shipped rules: the present that the boards show.

What only lasts is cut short: alerts fire at once, and slow groups are evaluated as often as the others. What the rules
look back at has a past as well, or they would record little.
"""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds
from tests.bench.growth import as_of, grown
from tests.bench.past import write_past
from tests.bench.reads import written
from tests.bench.rules import evaluation, served
from tests.e2e.processes import Prometheus, until

T = TypeVar("T")

EVALUATIONS = 2
"""What a group reads of a later one is there in the second."""

_AHEAD = 120
"""Seconds: what stands still must not get stale before the rules have looked at it twice."""

_RECORDED = '{__name__=~"celigo:.+|ALERTS|ALERTS_FOR_STATE|up"}'


@dataclass(frozen=True, slots=True)
class Lived(Generic[T]):
    """The present `now`, as unix seconds; scrapes began at `begun`. `seen` is what somebody saw of it."""

    begun: int
    now: int
    scraped: str
    recorded: Sequence[str]
    seen: T


def live(place: Path, document: str, see: Callable[[Prometheus, int], T]) -> Lived[T]:
    """Keep the present of an account with this document in `place`/data; `see` looks at it before Prometheus ends."""
    rules = place / "celigo.rules.yml"
    rules.write_text(_quick_rules(), encoding="utf-8")
    write_past(place, document, rules.read_text(encoding="utf-8"), grown)
    begun = math.floor(time.time())
    with served(as_of(document, begun + _AHEAD).encode()) as port:
        address = f"127.0.0.1:{port}"
        with Prometheus("prometheus", place, [address], "60s", rules=[rules]) as prometheus:
            prometheus.answering(f"{prometheus.url}/-/ready")
            until(lambda: prometheus.query("count(celigo_flow_info)"), "the first scrape", 300)
            for number in range(1, EVALUATIONS + 1):
                evaluation(prometheus, number)
            now = math.floor(time.time())
            recorded = list(_recorded(prometheus, now))
            seen = see(prometheus, now)
    _forget_blocks(place / "data")
    return Lived(begun, now, f'instance="{address}",job="celigo"', recorded, seen)


def _quick_rules() -> str:
    content: Any = yaml.safe_load(rules_file(default_thresholds()))
    for group in content["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            rule.pop("for", None)
    return yaml.safe_dump(content)


def _recorded(prometheus: Prometheus, now: int) -> Iterator[str]:
    """What rules recorded, a line for each series as in a document."""
    for labels, value in prometheus.query(_RECORDED, now):
        yield f"{written(labels)} {value:.17g}"


def _forget_blocks(data: Path) -> None:
    """The past of the rules is not that of the boards: both together would be more samples than anybody has."""
    for block in [meta.parent for meta in data.glob("*/meta.json")]:
        shutil.rmtree(block)
