"""Scenarios by their files, played and judged, and the table of what came out."""

import fnmatch
import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from tests.incidents.judge import Line, Verdict, episodes, judge
from tests.incidents.promtool import Answer, Firing, PromtoolFailed, evaluated
from tests.incidents.rules import Rules
from tests.incidents.scenario import ScenarioError, read
from tests.incidents.spans import said
from tests.incidents.stage import play
from tests.incidents.visible import families, looks

_ROW = "{:<38} {:<32} {:<18} {:>9} {:>9}  {}".format

FOLDER = Path(__file__).with_name("scenarios")


@dataclass(frozen=True)
class Outcome:
    """A scenario's verdict, and the seconds that playing it and evaluating the rules took."""

    name: str
    verdict: Verdict
    playing: float
    evaluating: float


def scenarios(*patterns: str) -> list[Path]:
    """Files whose group or name, as `group/name`, `group` or `name`, fits one of `patterns`; all without any."""
    files = sorted(FOLDER.glob("*/*.yml"))
    return [file for file in files if not patterns or any(_fits(file, pattern) for pattern in patterns)]


def name_of(file: Path) -> str:
    """`group/name`."""
    return f"{file.parent.name}/{file.stem}"


def tried(file: Path, rules: Rules) -> Outcome:
    """Play and judge the scenario in a file. Raises ScenarioError."""
    begun = time.perf_counter()
    scenario = read(file)
    try:
        played = play(scenario, rules.series | families(scenario))
    except ScenarioError as error:
        raise ScenarioError(f"{file.name}: {error}") from None
    halfway = time.perf_counter()
    named = list(dict.fromkeys(expected.alert for expected in scenario.expect))
    every = scenario.evaluated_every
    asked = looks(scenario, played.cast)
    questions = {question for look in asked for question in look.questions}
    told = evaluated(played, rules, scenario.minutes, named, every, scenario.replicas, questions)
    found = episodes((one for one in told if isinstance(one, Firing)), scenario.warm_up, scenario.minutes, every)
    unseen = tuple(
        problem for look in asked for problem in look.problems(one for one in told if isinstance(one, Answer))
    )
    verdict = replace(judge(scenario, played.cast, found), unseen=unseen)
    return Outcome(name_of(file), verdict, halfway - begun, time.perf_counter() - halfway)


def all_tried(files: Sequence[Path], rules: Rules) -> Iterator[Outcome | str]:
    """Every scenario in its order, as many at once as there are processors; why one could not be played.

    What the exporter logs about trouble is what every scenario is about, so it is silenced.
    """
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=logging.disable) as pool:
        yield from pool.map(_attempt, files, [rules] * len(files))


def _attempt(file: Path, rules: Rules) -> Outcome | str:
    try:
        return tried(file, rules)
    except (ScenarioError, PromtoolFailed) as error:
        return f"{name_of(file)}: {error}"


def heading() -> str:
    """The first line of the table."""
    return _ROW("scenario", "alert", "expected", "detected", "resolved", "verdict")


def rows(outcome: Outcome) -> Iterator[str]:
    """Lines of the table: what was expected of a scenario, and what came of it."""
    for line in outcome.verdict.lines:
        times = _window(line), _minutes(line.detected), _minutes(line.resolved)
        yield _ROW(outcome.name, line.alert, *times, _said(line))
    yield from (f"  {problem}" for problem in outcome.verdict.unseen)
    if not outcome.verdict.lines:
        yield _ROW(outcome.name, "(nothing)", "", "", "", "ok")


def sums(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the table comes to."""
    wanted = [line for outcome in outcomes for line in outcome.verdict.lines if line.expected is not None]
    right = sum(not outcome.verdict.problems for outcome in outcomes)
    alarms = sum(outcome.verdict.false_alarms for outcome in outcomes)
    found = sum(not line.problems for line in wanted)
    yield f"{right} of {len(outcomes)} scenarios as expected"
    yield f"{found} of {len(wanted)} alerts detected in their window, {alarms} false alarms"


def _said(line: Line) -> str:
    if line.problems:
        return f"WRONG: {'; '.join(line.problems)}"
    return "ok"


def _window(line: Line) -> str:
    return "-" if line.expected is None else " to ".join(said(minute) for minute in line.expected.within)


def _minutes(minute: int | None) -> str:
    if minute is None:
        return "-"
    return said(minute) if minute >= 0 else f"-{said(-minute)}"


def _fits(file: Path, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (name_of(file), file.parent.name, file.stem))
