"""What the shipped rules record and alert over what was played, as promtool evaluates them."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.dashboards.series import Changes, as_changes, is_instant, written
from tests.incidents.promtool import asked, at_minute
from tests.incidents.rules import Rules
from tests.incidents.stage import Played

EVERY = 2
"""Minutes between two evaluations; promtool takes most of the time, and half as much of it as with one a minute."""

_EVERYTHING = '{__name__=~"celigo:.+|ALERTS.*"}'
_SAMPLE = re.compile(r'(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) ([^\s,]+)')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")')


def evaluated(played: Played, rules: Rules, last: int) -> dict[str, Changes]:
    """Every series that rules make up to the minute `last`, alerts among them."""
    minutes = range(0, last + 1, EVERY)
    report = asked(played, rules, minutes, [{"eval_time": f"{at}m", "expr": _EVERYTHING} for at in minutes])
    found: dict[str, dict[int, float]] = {}
    for minute, series, value in _got(report):
        instant = played.begin if is_instant(series) else 0.0
        found.setdefault(series, {})[minute] = value + instant
    return {series: as_changes(samples, minutes) for series, samples in found.items()}


def _got(report: str) -> Iterator[tuple[int, str, float]]:
    """Minute, series and value of each sample that promtool got."""
    minute = 0
    for line in report.splitlines():
        text = line.strip()
        if text.startswith("expr: "):
            minute = at_minute(text)
        elif text.startswith("got: "):
            yield from ((minute, _series(labels), float(value)) for labels, value in _SAMPLE.findall(text))


@cache
def _series(labels: str) -> str:
    """A series by its labels as Go quotes them; Python's quotes are the same."""
    return written({name: str(ast.literal_eval(text)) for name, text in _LABEL.findall(labels)})
