"""Which series a board's queries read, and when: only they need a past."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from promql_parser import MatchOp, VectorSelector, parse

from tests.alerting.expression import series
from tests.bench.growth import PAST, grown
from tests.bench.past import STEP, Then, kept_as, read
from tests.dashboards.source import Request

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


_TROUBLE = re.compile(r"ALERTS|celigo:flow_trouble")
_TROUBLED_FOR = 6 * 3600
"""Seconds for which all that is wrong now has been wrong; it is more than any account has for days."""

_DAY = 86_400
_THINNED = 4 * 60
"""Seconds between samples that are older than a day: the rest of ten thousand a series would cost this bench more than
Prometheus, which spends its time on the points that are asked for."""


class Reads:
    """The moments before `now` at which queries read, by selector; nothing after `until`, where scrapes begin."""

    def __init__(self, now: int, until: int) -> None:
        self._now, self._until = now, until
        self._moments: dict[str, dict[str, tuple[VectorSelector, set[int]]]] = defaultdict(dict)
        self._sorted: dict[tuple[str, tuple[str, ...]], Sequence[int]] = {}

    def add(self, request: Request) -> None:
        """A request of a board. A line has a sample a minute however wide its steps, as Prometheus scrapes."""
        at = {self._now}
        if request.path == "query_range":
            start, end = int(request.params["start"]), int(request.params["end"])
            first = start - (start - self._now) % STEP
            at = set(range(first - STEP, end + 1, STEP))
        for selector, moments in read(parse(request.query), at, self._now, PAST):
            _, known = self._moments[series(selector)].setdefault(str(selector), (selector, set()))
            known |= moments

    def moments(self, name: str, labels: Mapping[str, str]) -> Sequence[int]:
        """When the series is read."""
        chosen = tuple(text for text, (one, _) in self._moments[name].items() if matches(one, labels))
        if (name, chosen) not in self._sorted:
            found = set().union(*(self._moments[name][text][1] for text in chosen))
            first = self._now - _TROUBLED_FOR if _TROUBLE.match(name) else 0
            self._sorted[name, chosen] = sorted(at for at in found if first <= at < self._until and self._kept(at))
        return self._sorted[name, chosen]

    def _kept(self, moment: int) -> bool:
        return moment > self._now - _DAY or moment % _THINNED < STEP

    def past(self, lines: Iterable[str], scraped: str) -> Iterator[tuple[str, Then, Sequence[int]]]:
        """Those of the series in `lines` that are read before now; those of the target are `scraped`."""
        for line in lines:
            labels, _, value = line.rpartition(" ")
            name = labels.partition("{")[0]
            if name not in self._moments:
                continue
            whole = kept_as(labels, scraped)
            if moments := self.moments(name, labels_of(whole)):
                yield whole, grown(labels, value), moments


def labels_of(text: str) -> Mapping[str, str]:
    """The labels of a series as it is written in a document."""
    return {name: _ESCAPED.sub(_unescaped, value) for name, value in _LABEL.findall(text)}


def written(labels: Mapping[str, str]) -> str:
    """A series with these labels as it is written in a document."""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items() if name != "__name__")
    return f"{labels['__name__']}{{{inner}}}"


def matches(selector: VectorSelector, labels: Mapping[str, str]) -> bool:
    """Whether the selector chooses a series of its name with these labels."""
    return all(_fits(one.op, one.value, labels.get(one.name, "")) for one in selector.matchers.matchers)


def _fits(operation: MatchOp, wanted: str, value: str) -> bool:
    if operation == MatchOp.Equal:
        return value == wanted
    if operation == MatchOp.NotEqual:
        return value != wanted
    found = _expression(wanted).fullmatch(value) is not None
    return found if operation == MatchOp.Re else not found


@cache
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
