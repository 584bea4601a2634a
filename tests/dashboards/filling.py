"""How Grafana puts what is chosen into a text: a query, a legend, another variable's query."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PLACE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]")
_LABEL = re.compile(r"\{\{\s*(.+?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Value:
    """What is chosen: `values`, which people know as `texts`.

    Where several may be chosen (`many`) it goes into PromQL as a regular expression. `literal` is a board's own word
    for all of them, which goes in as it is.
    """

    values: Sequence[str]
    texts: Sequence[str] = ()
    many: bool = False
    literal: str = ""


Values = Mapping[str, Value]


def plain(values: Mapping[str, str]) -> Values:
    """Values that go in as they are, such as an interval."""
    return {name: Value((text,), literal=text) for name, text in values.items()}


def filled(text: str, values: Values) -> str:
    """`text` with every place of a known name filled; others stay, as Grafana leaves them."""

    def of(place: re.Match[str]) -> str:
        value = values.get(place[1] or place[2] or place[4])
        return place[0] if value is None else _said(value, place[3])

    return _PLACE.sub(of, text)


def legend(form: str, labels: Mapping[str, str], values: Values) -> str:
    """What a series with these labels is called."""
    texts = {name: Value((), literal=_text(value)) for name, value in values.items()}
    return _LABEL.sub(lambda place: labels.get(place[1], ""), filled(form, texts))


def _said(value: Value, form: str | None) -> str:
    if value.literal and form != "text":
        return value.literal
    match form:
        case None:
            return _in_promql(value)
        case "regex":
            return _either([re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", one) for one in value.values])
        case "pipe":
            return "|".join(value.values)
        case "csv" | "raw":
            return ",".join(value.values)
        case "text":
            return _text(value)
    raise ValueError(f"no such form: {form}")


def _in_promql(value: Value) -> str:
    """Escaped for a string between double quotes, in which a backslash is one of two."""
    if not value.many:
        return "".join(value.values[:1]).replace("\\", r"\\").replace("'", r"\\'")
    return _either([_within_expression(one) for one in value.values])


def _within_expression(text: str) -> str:
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", text.replace("\\", r"\\\\"))


def _either(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


def _text(value: Value) -> str:
    return "All" if value.literal and value.many else " + ".join(value.texts or value.values)
