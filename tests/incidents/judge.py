"""Holds what fired against what should have: in its window, with its labels, resolved in time, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.incidents.cast import Cast
from tests.incidents.promtool import Firing, Texts
from tests.incidents.scenario import Expected, Scenario
from tests.incidents.spans import said

_IDS = {"flow": "flow_id", "connection": "connection_id", "integration": "integration_id", "agent": "agent_id"}
"""Labels that scenarios give by name of the cast, and the label whose value is the member's id."""

_NAMES = ("flow_name", "integration_name", "connection_name", "agent_name")
_BROKEN = ("<no value>", "NaN", "+Inf", "-Inf", "%!", "error expanding")
_TEXTS = ("summary", "description", "runbook_url")


@dataclass
class Episode:
    """One alert from its first firing minute to its last; minutes count from the end of the warm-up.

    An evaluation comes `every` so many minutes.
    """

    labels: Mapping[str, str]
    begin: int
    end: int
    annotations: Texts | None = None
    over: bool = True
    every: int = 1

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]

    @property
    def resolved(self) -> int | None:
        """The minute in which it no longer fired; None while it fires to the end."""
        return self.end + self.every if self.over else None


@dataclass(frozen=True)
class Line:
    """One line of the table; `problems` is empty when all is as expected. `expected` is None for a false alarm."""

    alert: str
    expected: Expected | None
    detected: int | None
    resolved: int | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What became of a scenario; `unseen` says which of its alerts no dashboard shows."""

    title: str
    lines: tuple[Line, ...] = field(default=())
    unseen: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, a line each."""
        return [*(f"{line.alert}: {problem}" for line in self.lines for problem in line.problems), *self.unseen]

    @property
    def false_alarms(self) -> int:
        """How many alerts nobody expected."""
        return sum(line.expected is None for line in self.lines)


def episodes(firings: Iterable[Firing], warm_up: int, last: int, every: int = 1) -> list[Episode]:
    """What fired, joined over the minutes, the earliest first; an evaluation comes `every` so many minutes."""
    texts: dict[tuple[Texts, int], Texts] = {}
    minutes: dict[Texts, set[int]] = {}
    for firing in firings:
        minutes.setdefault(firing.labels, set()).add(firing.minute)
        if firing.annotations is not None:
            texts[firing.labels, firing.minute] = firing.annotations
    found: list[Episode] = []
    for labels, at in minutes.items():
        first = 0
        for minute in sorted(at):
            if found and found[-1].labels == dict(labels) and minute - warm_up <= found[-1].end + every:
                found[-1].end = minute - warm_up
            else:
                first = minute
                found.append(Episode(dict(labels), minute - warm_up, minute - warm_up, every=every))
            found[-1].annotations = texts.get((labels, first))
            found[-1].over = minute + every <= last
    return sorted(found, key=lambda episode: (episode.begin, episode.name))


def judge(scenario: Scenario, cast: Cast, found: Sequence[Episode]) -> Verdict:
    """Every expectation's line, then a line for each alert that nobody expected."""
    left = list(found)
    lines: list[Line] = []
    for expected, labels in wanted(scenario.expect, cast):
        lines += _judged(expected, labels, left)
    lines += [_false_alarm(episode) for episode in left]
    return Verdict(scenario.title, tuple(lines))


def wanted(expects: Sequence[Expected], cast: Cast) -> Iterator[tuple[Expected, dict[str, str]]]:
    """Each expectation with the labels it asks for; one that names many members stands once for each."""
    for expected in expects:
        plain = {label: value for label, value in expected.labels.items() if label not in _IDS}
        variants = [plain]
        for label, name in _IDS.items():
            if label in expected.labels:
                ids = cast.ids(expected.labels[label])
                variants = [{**labels, name: each} for labels in variants for each in ids]
        yield from ((expected, labels) for labels in variants)


def _judged(expected: Expected, labels: Mapping[str, str], left: list[Episode]) -> list[Line]:
    """The lines of one expectation; what it stands for is taken out of `left`."""
    named = [episode for episode in left if episode.name == expected.alert]
    fits = [episode for episode in named if labels.items() <= episode.labels.items()]
    taken = fits if expected.count == "any" else _nearest(fits, expected)[: expected.count or 1]
    lines = [_line(expected, episode, ()) for episode in taken]
    if not taken and (other := _similar(named, labels)) is not None:
        taken = [other]
        lines = [_line(expected, other, tuple(_differences(other, labels)))]
    for episode in taken:
        left.remove(episode)
    wanted = expected.count if isinstance(expected.count, int) else 1
    missing = Line(expected.alert, expected, None, None, (f"did not fire{_about(labels)}",))
    return lines + [missing] * (wanted - len(taken))


def _nearest(fits: Sequence[Episode], expected: Expected) -> list[Episode]:
    """Those within the window first, then by how far from it they are."""
    first, last = expected.within
    return sorted(fits, key=lambda episode: max(first - episode.begin, episode.begin - last, 0))


def _similar(named: Sequence[Episode], labels: Mapping[str, str]) -> Episode | None:
    """The alert of the name that differs least: about the same flow, connection or whatever it is, if any is."""
    ids = {name: value for name, value in labels.items() if name in _IDS.values()}
    about = [episode for episode in named if ids.items() <= episode.labels.items()]
    return max(about, key=lambda episode: len(labels.items() & episode.labels.items()), default=None)


def _line(expected: Expected, episode: Episode, problems: tuple[str, ...]) -> Line:
    problems += tuple(_untimely(expected, episode)) + tuple(_unclear(episode))
    return Line(expected.alert, expected, episode.begin, episode.resolved, problems)


def _untimely(expected: Expected, episode: Episode) -> Iterator[str]:
    first, last = expected.within
    if not (first <= episode.begin <= last or (expected.before and episode.begin < 0)):
        word = "late" if episode.begin > last else "early"
        yield f"{word}: fired after {_clock(episode.begin)}, expected {_window(expected.within)}"
    resolved = episode.resolved
    if expected.resolves == "never":
        if resolved is not None:
            yield f"resolved after {_clock(resolved)}, expected to last"
    elif expected.resolves != "any":
        if resolved is None:
            yield f"did not resolve, expected {_window(expected.resolves)}"
        elif not expected.resolves[0] <= resolved <= expected.resolves[1]:
            word = "late" if resolved > expected.resolves[1] else "early"
            yield f"resolved {word}: after {_clock(resolved)}, expected {_window(expected.resolves)}"


def _differences(episode: Episode, labels: Mapping[str, str]) -> Iterator[str]:
    for name, value in labels.items():
        if episode.labels.get(name) != value:
            yield f"label {name} is {episode.labels.get(name, 'missing')!r}, expected {value!r}"


def _unclear(episode: Episode) -> Iterator[str]:
    """What is wrong with the texts: absent, with a hole in them, or without the name of what they are about."""
    texts = dict(episode.annotations or ())
    yield from (f"annotation {name} is missing" for name in _TEXTS if not texts.get(name))
    for name, text in texts.items():
        yield from (f"annotation {name} has {broken!r} in it: {text}" for broken in _BROKEN if broken in text)
    told = f"{texts.get('summary')} {texts.get('description')}"
    scope = next((name for name in _NAMES if name.removesuffix("_name") == episode.labels.get("scope")), None)
    if scope is not None and episode.labels.get(scope, "") not in told:
        yield f"annotations do not name {scope} {episode.labels.get(scope)!r}"


def _false_alarm(episode: Episode) -> Line:
    about = {name: value for name, value in episode.labels.items() if name in (*_NAMES, "collector", "severity")}
    problem = f"fired after {_clock(episode.begin)}, expected by nobody{_about(about)}"
    return Line(episode.name, None, episode.begin, episode.resolved, (problem,))


def _about(labels: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{name}={value}' for name, value in labels.items())})" if labels else ""


def _clock(minute: int) -> str:
    return said(minute) if minute >= 0 else f"-{said(-minute)}"


def _window(window: tuple[int, int]) -> str:
    return f"{said(window[0])} to {said(window[1])}"
