"""Real rule evaluation: writes promtool's test file, lets promtool play it, and reads what it says about alerts.

promtool starts at instant 0, so instants in samples are counted from the world's begin. Nothing is expected in the test
file, so whatever fires is in promtool's report.
"""

import ast
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.incidents.notation import notation
from tests.incidents.rules import Rules
from tests.incidents.stage import Played
from tests.incidents.tape import Sample

JOBS = tuple(f'job="celigo-exporter",instance="{host}:10940"' for host in ("exporter", "replica"))
"""What a scrape of each exporter adds to every series."""

_SECONDS = 4 * 3600
"""How long promtool may take: weeks take it ten minutes of a processor that it may have to share."""

_LOOKBACK = 5
"""Minutes for which Prometheus takes a sample for the present."""

_FIRING = 'ALERTS{alertstate="firing"}'
_AT = re.compile(r"time: (?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:\d+s)?, ?$")
_EXPRESSION = re.compile(r'^\s+expr: "')
_ALERT = re.compile(r"^\s+alertname: ")
_LABELS = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")')
_QUOTED = re.compile(r'expr: ("(?:[^"\\]|\\.)*")')
_SAMPLE = re.compile(r'(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) ([^\s,]+)')
_SET = re.compile(r'\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}')
Texts = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""


class PromtoolFailed(Exception):
    """promtool refuses the rules or the test file; the text is what it said."""


@dataclass(frozen=True)
class Firing:
    """An alert that fires at a minute. `annotations` are there for those that promtool was asked about by name."""

    minute: int
    labels: Texts
    annotations: Texts | None = None

    @property
    def name(self) -> str:
        """The alert's name."""
        return dict(self.labels)["alertname"]


@dataclass(frozen=True)
class Answer:
    """A sample that an expression gave at a minute."""

    minute: int
    query: str
    labels: Texts
    value: float


Question = tuple[int, str]
"""A minute and an expression."""


def firings(played: Played, rules: Rules, minutes: int, named: Sequence[str], every: int = 1) -> list[Firing]:
    """Every alert that fires at each minute up to `minutes`; see `evaluated`."""
    return [one for one in evaluated(played, rules, minutes, named, every) if isinstance(one, Firing)]


def evaluated(
    played: Played,
    rules: Rules,
    minutes: int,
    named: Sequence[str],
    every: int = 1,
    replicas: int = 1,
    questions: Collection[Question] = (),
) -> list[Firing | Answer]:
    """Every alert that fires at each minute up to `minutes`, and the answers to `questions`.

    Alerts in `named` come with their annotations. Rules are evaluated `every` so many minutes. What was played is there
    `replicas` times, each a minute later.
    """
    known = [name for name in named if name in rules.alerts]
    tests = _tests(played, range(0, minutes + 1, every), known, replicas)
    more = [{"eval_time": f"{minute}m", "expr": query} for minute, query in questions]
    tests = {**tests, "promql_expr_test": [*tests["promql_expr_test"], *more]}
    return list(reported(_evaluated(rules, every, tests)))


def asked(played: Played, rules: Rules, minutes: range, questions: Sequence[Mapping[str, str]]) -> str:
    """What promtool reports of expressions, as its test files have them; rules are evaluated at each of `minutes`."""
    series = list(_series(played, minutes.stop, 0, 1))
    return _evaluated(
        rules, minutes.step, {"interval": "1m", "input_series": series, "promql_expr_test": list(questions)}
    )


def _evaluated(rules: Rules, every: int, tests: Mapping[str, object]) -> str:
    """The report of one test file; rules are evaluated `every` so many minutes."""
    with tempfile.TemporaryDirectory(prefix="promtool-") as folder:
        (Path(folder) / "celigo.rules.yml").write_text(rules.text, "utf-8")
        # Without an order promtool draws one, and what is recorded is a step old for groups that come before.
        order = {"evaluation_interval": f"{every}m", "group_eval_order": rules.groups}
        content = {"rule_files": ["celigo.rules.yml"], **order, "tests": [tests]}
        # JSON is YAML; its escapes for what is beyond two bytes are not.
        (Path(folder) / "incident.yml").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        return _run(folder)


def _tests(played: Played, minutes: range, named: Sequence[str], replicas: int) -> dict[str, Any]:
    # Of weeks that are looked at every so often only those instants are written; all of them would fill the memory.
    step = minutes.step if minutes.step > _LOOKBACK and replicas == 1 else 1
    return {
        "interval": f"{step}m",
        "input_series": [row for late in range(replicas) for row in _series(played, minutes.stop, late, step)],
        "alert_rule_test": [{"eval_time": f"{at}m", "alertname": name} for at in minutes for name in named],
        "promql_expr_test": [{"eval_time": f"{at}m", "expr": _FIRING} for at in minutes],
    }


def _series(played: Played, minutes: int, late: int, step: int) -> Iterator[dict[str, str]]:
    """What the exporter serves that is `late` so many minutes, of every so many minutes."""
    tape, job = played.tape, JOBS[late]
    states: list[Sample] = []
    for minute in range(minutes):
        # A minute without a scrape is in a stretch that is scraped more rarely.
        states.append(float(tape.up[minute]) if minute in tape.up else (states[-1] if states else None))
    yield {"series": f"up{{{job}}}", "values": notation(_delayed(states, late)[::step])}
    for series in tape.changes:
        shift = played.begin if b"_timestamp_seconds" in series.split(b"{", 1)[0] else 0.0
        samples = [None if value is None else value - shift for value in tape.by_minute(series, minutes)]
        yield {"series": _scraped(series.decode(), job), "values": notation(_delayed(samples, late)[::step])}


def _delayed(samples: Sequence[Sample], minutes: int) -> Sequence[Sample]:
    return [*[None] * minutes, *samples[: len(samples) - minutes]]


def _scraped(series: str, job: str) -> str:
    name, brace, labels = series.partition("{")
    return f"{name}{{{job},{labels}" if brace else f"{name}{{{job}}}"


def _run(folder: str) -> str:
    promtool = shutil.which("promtool")
    if promtool is None:
        raise PromtoolFailed("promtool is not installed; the package `prometheus` of Debian has it")
    command = [promtool, "test", "rules", "incident.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if "SUCCESS" not in done.stdout and "FAILED:" not in done.stderr:
        raise PromtoolFailed(f"{done.stdout}\n{done.stderr}"[:4000])
    return done.stderr


def reported(report: str) -> Iterator[Firing | Answer]:
    """Alerts and answers in a report of `promtool test rules`. Raises PromtoolFailed for lines of another kind."""
    minute, by_name, query = 0, False, _FIRING
    labels: Texts = ()
    for line in report.splitlines():
        text = line.strip()
        if _EXPRESSION.match(line) or _ALERT.match(line):
            minute, by_name = at_minute(text), bool(_ALERT.match(line))
            query = _FIRING if by_name else _query(text)
        elif text.startswith("Labels:"):
            labels = _texts(text)
        elif text.startswith("Annotations:"):
            yield Firing(minute, labels, _texts(text))
        elif text.startswith("got: ") and query != _FIRING:
            yield from (Answer(minute, query, _texts(labels), float(value)) for labels, value in _SAMPLE.findall(text))
        elif text.startswith("got: ") and not by_name:
            yield from (Firing(minute, _texts(found)) for found in _SET.findall(text))
        elif text not in ("", "FAILED:", "exp:[],", "got:[", "]", "exp: nil") and not re.fullmatch(r"\d+:", text):
            raise PromtoolFailed(text)


def _query(text: str) -> str:
    """The expression in a line of a report, as Go quotes it."""
    quoted = _QUOTED.match(text)
    if quoted is None:
        raise PromtoolFailed(text)
    return str(ast.literal_eval(quoted[1]))


def at_minute(text: str) -> int:
    """The minute in a line of a report that says when something was looked at. Raises PromtoolFailed."""
    found = _AT.search(text)
    if found is None:
        raise PromtoolFailed(text)
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return 60 * (24 * (7 * weeks + days) + hours) + minutes


def _texts(text: str) -> Texts:
    """Names and values between braces, as Go quotes them; Python's quotes are the same."""
    held = {name: str(ast.literal_eval(value)) for name, value in _LABELS.findall(text)}
    return tuple(sorted((name, value) for name, value in held.items() if name not in ("__name__", "alertstate")))
