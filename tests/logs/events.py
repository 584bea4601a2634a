"""Every event that the package logs, read from its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import exporter

PACKAGE = Path(exporter.__file__).parent
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
BUG = ("exception", "at")
"""The fields that `bug_fields` makes, and those of a call of `exception`."""


@dataclass(frozen=True, order=True)
class Event:
    """One message: its level, and the fields that its line has besides those of the context."""

    message: str
    level: str
    fields: tuple[str, ...]


class Unreadable(ValueError):
    """A call whose event cannot be told from the source."""


def events_of(source: str, place: str = "") -> Iterator[Event]:
    """The events of one module. Raises Unreadable for a call that is not in the form that CONTRIBUTING.md asks for."""
    tree = ast.parse(source)
    loggers = {target.id for target in _loggers(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and (owner.id in loggers or owner.id == "logging"):
                yield from _event(node, node.func.attr, owner.id, f"{place}:{node.lineno}")


def _loggers(tree: ast.Module) -> Iterator[ast.Name]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("logging.getLogger("):
            yield from (target for target in node.targets if isinstance(target, ast.Name))


def _event(call: ast.Call, method: str, owner: str, place: str) -> Iterator[Event]:
    if method not in {*LEVELS, "log", "critical", "fatal", "warn"}:
        return
    if owner == "logging" or method not in LEVELS:
        raise Unreadable(f"{place}: log through `_log = logging.getLogger(__name__)` and one of {', '.join(LEVELS)}")
    first = call.args[0] if call.args else None
    if len(call.args) != 1 or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        raise Unreadable(f"{place}: the message is one fixed text; values go into extra={{'fields': {{...}}}}")
    fields = tuple(_fields(call, place))
    yield Event(first.value, LEVELS[method], (*fields, *(BUG if method == "exception" else ())))


def _fields(call: ast.Call, place: str) -> Iterator[str]:
    for keyword in call.keywords:
        given = keyword.value
        if keyword.arg != "extra" or not isinstance(given, ast.Dict) or len(given.keys) != 1:
            raise Unreadable(f"{place}: beside the message only extra={{'fields': {{...}}}}")
        if not isinstance(given.values[0], ast.Dict):
            raise Unreadable(f"{place}: write the fields as {{'name': value, ...}} in the call")
        for key, value in zip(given.values[0].keys, given.values[0].values, strict=True):
            if key is None and ast.unparse(value).startswith("bug_fields("):
                yield from BUG
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value
            else:
                raise Unreadable(f"{place}: name each field in the call, or use **bug_fields(error)")


def all_events() -> set[Event]:
    """Every event of the package."""
    return {
        event
        for path in sorted(PACKAGE.rglob("*.py"))
        for event in events_of(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE.parent)))
    }
