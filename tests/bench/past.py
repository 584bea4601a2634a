"""The past that rules look back at: a sample wherever one is read, of every series that has one.

What rules themselves record has a past too, or their cost would be that of finding nothing.
"""

import math
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector, parse

from tests.alerting.expression import parts, series

STEP = 60
EVALUATED_FOR = 15
"""Minutes after the past ends in which rules are evaluated."""

BLOCK = "54h"
"""Into such blocks Prometheus merges those of two hours in time; promtool reads the whole text once for each."""

LONGEST = 6 * 3600
"""A day of a sample a minute says nothing that six hours do not."""

_SCRAPED = 'instance="127.0.0.1",job="celigo"'
_IDENTITIES = re.compile(r'\b(?:account|environment|flow_id|integration_id)="[^"]*"')
_RECORDED: Mapping[str, tuple[str, str]] = {
    "celigo_flow_slo_freshness_seconds": ("", "celigo:flow_freshness_missed"),
    "celigo_flow_open_errors": ("", "celigo:flow_open_errors"),
    "celigo_integration_records_total": ('outcome="success"', "celigo:integration_records_success:increase1h"),
}
"""By family a label that its series must have, and what is recorded with one series for each of them."""


Then = Callable[[int], str]
"""The value of a series so many seconds ago."""


def unchanged(labels: str, value: str) -> Then:
    """What is so now has always been so."""
    del labels
    return lambda _: value


def write_past(place: Path, document: str, rules: str, then: Callable[[str, str], Then] = unchanged) -> int:
    """Write blocks into `place`/data, from the present values in `document`; how many samples."""
    now = math.floor(time.time())
    wanted = {name: sorted(instants) for name, instants in moments(rules, now).items()}

    def lived() -> Iterator[tuple[str, Then, Iterable[int]]]:
        for line in (*document.splitlines(), *recorded(document)):
            labels, _, value = line.rpartition(" ")
            if instants := wanted.get(labels.partition("{")[0]):
                yield kept_as(labels, _SCRAPED), then(labels, value), instants

    return write_samples(place, lived(), now)


def kept_as(labels: str, scraped: str) -> str:
    """A series as Prometheus keeps it: a scraped one has the labels of its target, which a recorded one has not."""
    return f"{labels[:-1]},{scraped}}}" if labels.startswith("celigo_") else labels


def write_samples(place: Path, series: Iterable[tuple[str, Then, Iterable[int]]], now: int) -> int:
    """Write blocks of series into `place`/data, each with the instants at which it has a sample; how many samples."""
    samples, text = 0, place / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        for labels, then, instants in series:
            lines = [f"{labels} {then(now - at)} {at}\n" for at in instants]
            file.writelines(lines)
            samples += len(lines)
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={BLOCK}"]
    subprocess.run([*command, str(text), str(place / "data")], check=True, capture_output=True)
    text.unlink()
    return samples


def moments(rules: str, now: int) -> Mapping[str, set[int]]:
    """By metric, the moments before `now` at which evaluations of the next minutes read it."""
    found: dict[str, set[int]] = defaultdict(set)
    evaluations = {now + minute * STEP for minute in range(EVALUATED_FOR)}
    content: Any = yaml.safe_load(rules)
    for rule in (rule for group in content["groups"] for rule in group["rules"]):
        for selector, instants in read(parse(rule["expr"]), evaluations, now):
            found[series(selector)] |= {instant for instant in instants if instant < now}
    return found


def read(part: Expr, at: set[int], now: int, longest: int = LONGEST) -> Iterator[tuple[VectorSelector, set[int]]]:
    """By selector in `part`, the moments that evaluations `at` some moments read; a range counts as `longest`.

    What is fixed with `@ end()` is read as of `now`.
    """
    if getattr(part, "at", None) is not None:
        at = {now}
    if isinstance(part, VectorSelector):
        yield part, {instant - _seconds(part.offset) for instant in at}
    elif isinstance(part, MatrixSelector):
        at = at if part.vector_selector.at is None else {now}
        window = min(_seconds(part.range), longest)
        ends = {instant - _seconds(part.vector_selector.offset) for instant in at}
        yield part.vector_selector, set(_within(ends, window, now % STEP, STEP))
    elif isinstance(part, SubqueryExpr):
        ends = {instant - _seconds(part.offset) for instant in at}
        inside = set(_within(ends, _seconds(part.range), 0, _seconds(part.step)))
        yield from read(part.expr, inside, now, longest)
    else:
        for inner in parts(part):
            yield from read(inner, at, now, longest)


def _within(ends: Iterable[int], window: int, phase: int, step: int) -> Iterator[int]:
    """Every moment on the grid of `step` that is in a window before one of `ends`."""
    for end in ends:
        yield from range(end - (end - phase) % step, end - window, -step)


def _seconds(duration: Any) -> int:
    return 0 if duration is None else int(duration.total_seconds())


def recorded(document: str) -> Iterator[str]:
    """What rules record and look back at, as if it had been recorded all the time."""
    for line in document.splitlines():
        label, name = _RECORDED.get(line.partition("{")[0], ("", ""))
        if name and label in line:
            value = "0.0" if name == "celigo:flow_freshness_missed" else line.rpartition(" ")[2]
            yield f"{name}{{{','.join(_IDENTITIES.findall(line))}}} {value}"
