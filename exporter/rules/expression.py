"""Reads as much of PromQL as the rules are written in: enough to ask an expression what it is made of.

Prometheus judges whether an expression is right; this one only takes it apart. Ranges, offsets and `@` are passed over.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

AGGREGATIONS = frozenset(
    {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "topk", "bottomk", "quantile"}
)

_STRENGTH = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<=", ">=", "<", ">"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_SIGN = 5
_TOKEN = re.compile(
    r"""(?:\s|\#[^\n]*)*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\w:]))
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+)
  | (?P<word>[A-Za-z_:][\w:]*)
  | (?P<sign>==|!=|<=|>=|=~|!~|[-+*/%^=<>(){}\[\],@])
    )""",
    re.VERBOSE,
)
_NOTHING = re.compile(r"(?:\s|#[^\n]*)*")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by name; each matcher is a label, its operator and its value."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Many series made into fewer; `labels` are those that stay, or those that go when `without`."""

    function: str
    arguments: tuple["Expression", ...]
    labels: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """How two sides find each other: by `labels` or by all others; `included` come from the side with one series."""

    kind: Literal["on", "ignoring"]
    labels: tuple[str, ...]
    group: Literal["", "group_left", "group_right"] = ""
    included: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and what stands between them."""

    operator: str
    left: "Expression"
    right: "Expression"
    matching: Matching | None = None
    as_bool: bool = False


Expression = Constant | Selector | Call | Aggregation | Binary


def parse(text: str) -> Expression:
    """The expression in `text`; raises ValueError for what is none, or none that the rules use."""
    reader = _Reader(text)
    found = reader.expression(0)
    reader.finish()
    return found


def selectors(expression: Expression) -> Iterator[Selector]:
    """Every selector in `expression`, from left to right."""
    for part in parts(expression):
        if isinstance(part, Selector):
            yield part


def parts(expression: Expression) -> Iterator[Expression]:
    """`expression` and all that it is made of."""
    yield expression
    if isinstance(expression, Binary):
        yield from parts(expression.left)
        yield from parts(expression.right)
    elif isinstance(expression, Call | Aggregation):
        for argument in expression.arguments:
            yield from parts(argument)


class _Reader:
    """Goes through the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]
        self._at = 0

    def expression(self, least: int) -> Expression:
        left = self._signed()
        while (strength := _STRENGTH.get(self._next, 0)) > least:
            operator = self._take()
            as_bool = self._accept("bool")
            matching = self._matching()
            right = self.expression(strength - (operator == "^"))
            left = Binary(operator, left, right, matching, as_bool)
        return left

    def finish(self) -> None:
        if self._next:
            raise ValueError(f"expected the end, not {self._next}")

    def _expect(self, token: str) -> None:
        if (found := self._take()) != token:
            raise ValueError(f"expected {token}, not {found}")

    def _signed(self) -> Expression:
        if self._next in {"-", "+"}:
            return Binary(self._take(), Constant("0"), self.expression(_SIGN))
        found = self._plain()
        while self._next in {"[", "offset", "@"}:
            self._pass_over()
        return found

    def _plain(self) -> Expression:
        word = self._take()
        if word == "(":
            inside = self.expression(0)
            self._expect(")")
            return inside
        if word == "{" or re.match(r"[A-Za-z_:]", word):
            return self._named(word)
        if word in _STRENGTH or word in ")}],":
            raise ValueError(f"expected a value, not {word}")
        return Constant(word)

    def _named(self, name: str) -> Expression:
        if name in AGGREGATIONS and self._next in {"(", "by", "without"}:
            return self._aggregation(name)
        if self._next == "(":
            return Call(name, tuple(self._arguments()))
        if name == "{":
            self._at -= 1
        matchers = tuple(self._matchers()) if self._next == "{" else ()
        return Selector("" if name == "{" else name, matchers)

    def _aggregation(self, function: str) -> Aggregation:
        kind, labels = self._grouping()
        arguments = tuple(self._arguments())
        if not kind:
            kind, labels = self._grouping()
        return Aggregation(function, arguments, labels, without=kind == "without")

    def _grouping(self) -> tuple[str, tuple[str, ...]]:
        return (self._take(), self._words()) if self._next in {"by", "without"} else ("", ())

    def _matching(self) -> Matching | None:
        if self._next not in {"on", "ignoring"}:
            return None
        kind: Literal["on", "ignoring"] = "on" if self._take() == "on" else "ignoring"
        labels = self._words()
        group: Literal["", "group_left", "group_right"] = ""
        if self._next in {"group_left", "group_right"}:
            group = "group_left" if self._take() == "group_left" else "group_right"
        return Matching(kind, labels, group, self._words() if group and self._next == "(" else ())

    def _matchers(self) -> Iterator[tuple[str, str, str]]:
        self._expect("{")
        while not self._accept("}"):
            yield self._take(), self._take(), self._take()[1:-1]
            self._accept(",")

    def _arguments(self) -> Iterator[Expression]:
        self._expect("(")
        while not self._accept(")"):
            yield self.expression(0)
            self._accept(",")

    def _words(self) -> tuple[str, ...]:
        self._expect("(")
        words = []
        while not self._accept(")"):
            words.append(self._take())
            self._accept(",")
        return tuple(words)

    def _pass_over(self) -> None:
        if self._take() == "[":
            while self._take() != "]":
                pass
        else:
            self._accept("-")
            self._take()

    def _accept(self, token: str) -> bool:
        found = self._next == token
        self._at += found
        return found

    @property
    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        token = self._next
        if not token:
            raise ValueError("ends too early")
        self._at += 1
        return token


def _tokens(text: str) -> Sequence[str]:
    found, at = [], 0
    while not _NOTHING.fullmatch(text, at):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"cannot be read from {text[at : at + 20]!r}")
        found.append(token[token.lastgroup or 0])
        at = token.end()
    return found
