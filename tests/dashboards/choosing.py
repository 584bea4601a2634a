"""How Grafana makes the options of a variable from what Prometheus answers, and which of them it chooses."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.dashboards.filling import Value
from tests.dashboards.reading import Variable


@dataclass(frozen=True, slots=True)
class Option:
    """What people see, and what goes into queries."""

    text: str
    value: str


_ORDERS: Mapping[int, Callable[[Option], str | int]] = {
    1: lambda option: option.text,
    3: lambda option: _first_number(option.text),
    5: lambda option: option.text.lower(),
}
"""By the odd number that Grafana has for them; the even ones after them are the other way round."""


def options(variable: Variable, found: Iterable[str]) -> Sequence[Option]:
    """What can be chosen, from the texts that its query found."""
    matcher = _expression(variable.regex) if variable.regex else None
    each = (_option(text, matcher) for text in found)
    kept = list({option.value: option for option in each if option is not None}.values())
    if not variable.sort:
        return kept
    backwards = variable.sort % 2 == 0
    return sorted(kept, key=_ORDERS[variable.sort - backwards], reverse=backwards)


def chosen(variable: Variable, offered: Sequence[Option], wanted: str | None = None) -> Value:
    """What is chosen when a board is opened, or by somebody who wants the option of this text or value.

    Everything where that is possible, else the first option.
    """
    if wanted is not None:
        offered = [option for option in offered if wanted in (option.text, option.value)][:1]
    elif variable.include_all:
        if variable.all_value:
            return Value((), many=True, literal=variable.all_value)
    else:
        offered = offered[:1]
    return Value([option.value for option in offered], [option.text for option in offered], variable.many)


def series_text(labels: Mapping[str, str], tail: str = "") -> str:
    """What a variable's regular expression is held against: a series as Grafana writes it, which escapes nothing."""
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    return f"{labels.get('__name__', '')}{{{inner}}}{tail}"


def _option(text: str, matcher: re.Pattern[str] | None) -> Option | None:
    if matcher is None:
        return Option(text, text)
    if (match := matcher.search(text)) is None:
        return None
    named = match.groupdict()
    if named.keys() & {"text", "value"}:
        said, value = named.get("text"), named.get("value")
        return Option(said or value or "", value or said or "")
    found = match[1] if matcher.groups else text
    return Option(found, found)


def _expression(regex: str) -> re.Pattern[str]:
    """JavaScript's `/.../` as Python has it."""
    body = regex[1 : regex.rindex("/")] if regex.startswith("/") else f"^{regex}$"
    return re.compile(re.sub(r"\(\?<(?=[a-zA-Z_])", "(?P<", body))


def _first_number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else -1
