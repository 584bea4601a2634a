"""Arithmetic in a page: tables of named inputs, and tables of what is reckoned from them.

    | Name | Value | What | Basis |        | Result | Reckoned as | Comes to |
    | `flows` | 1,000 | ... | ... |      | flows in all | `accounts * flows` | 1,000,000 |

A result that has a name, as in `| processes: needed at least | ...`, may be used further down by that name.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

INPUTS, RESULTS = ("Name", "Value", "What", "Basis"), ("Result", "Reckoned as", "Comes to")
SCALES = {"%": 0.01, "million": 1e6, "billion": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}

_NUMBER = re.compile(r"^(-?[\d,]+(?:\.\d+)?)(?: (\S+))?")
_NAMED = re.compile(r"^`(\w+)`: ")
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {"ceil": math.ceil, "max": max, "min": min}


@dataclass(frozen=True, slots=True)
class Input:
    """A number that the page starts from."""

    name: str
    value: float
    basis: str


@dataclass(frozen=True, slots=True)
class Result:
    """A number that the page reckons; `shown` is how it is written there."""

    what: str
    name: str | None
    formula: str
    shown: str


def number(text: str) -> float:
    """A number as pages write it, its unit multiplied out: `38.5 million`, `1.5 GiB`, `12 %`. Raises ValueError."""
    found = _NUMBER.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no number")
    return float(found[1].replace(",", "")) * SCALES.get(found[2] or "", 1.0)


def precision(text: str) -> float:
    """By how much a number may be off that is written so: half of its last digit."""
    found = _NUMBER.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no number")
    digits = len(found[1].partition(".")[2])
    return 0.5 * 10.0**-digits * SCALES.get(found[2] or "", 1.0)


def inputs(page: str) -> list[Input]:
    """Of every such table, in order."""
    return [Input(name.strip("`"), number(value), basis) for name, value, _, basis in _rows(page, INPUTS)]


def results(page: str) -> list[Result]:
    """Of every such table, in order."""
    return [_result(*row) for row in _rows(page, RESULTS)]


def _result(what: str, formula: str, shown: str) -> Result:
    named = _NAMED.match(what)
    return Result(what, named[1] if named else None, formula.strip("`"), shown)


def _rows(page: str, header: tuple[str, ...]) -> Iterator[list[str]]:
    inside = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
        inside = bool(cells) and (inside or tuple(cells) == header)
        if inside and tuple(cells) != header and not set("".join(cells)) <= set("-| "):
            yield cells


def reckoned(formula: str, values: Mapping[str, float]) -> float:
    """Sums, products, quotients, `ceil`, `max`, `min` of numbers and named values. Raises ValueError, KeyError."""
    return _value(ast.parse(formula, mode="eval").body, values)


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=operation, right=right):
            return _OPERATORS[type(operation)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return float(_FUNCTIONS[name](*(_value(each, values) for each in arguments)))
    raise ValueError(f"{ast.unparse(node)} is no arithmetic")


def mistakes(page: str) -> list[str]:
    """Results that are not what their formulas give, to the digits that are written."""
    values = {each.name: each.value for each in inputs(page)}
    found = []
    for each in results(page):
        value = reckoned(each.formula, values)
        if abs(value - number(each.shown)) > precision(each.shown) * (1 + 1e-9):
            found.append(f"{each.what}: {each.formula} = {value:,.6g}, not {each.shown}")
        if each.name is not None:
            values[each.name] = value
    return found
