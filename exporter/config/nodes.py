"""YAML text as a tree that remembers lines, made without building any object of the file's choosing.

The tree is composed from the parser's events with bounds on depth and on the size that aliases expand to, so that a
file of a few lines cannot blow up. The parser's own messages may repeat parts of the file; they are not passed on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.events import Event

from exporter.config.problem import ConfigError

DEPTH = 20
NODES = 100_000
"""Bounds of a file: nesting, and values after aliases are expanded."""

_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written. `tag` is YAML's short name of what it is: `str`, `int`, `float`, `bool`, `null`..."""

    text: str
    tag: str
    line: int
    size: int = 1


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple["Node", ...]
    line: int
    size: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; a key may still occur twice."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    line: int
    size: int


Node: TypeAlias = Scalar | ListNode | MapNode


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is not reached yet."""

    line: int
    is_map: bool
    anchor: str | None
    children: list[Node] = field(default_factory=list)


def compose(text: str, source: str) -> Node | None:
    """The tree of the one document in `text`; None when there is none.

    Raises ConfigError for anything that is not YAML, for several documents, for tags and when a bound is passed.
    """
    composer = _Composer(source)
    try:
        # The C parser counts some lines differently; a settings file is small enough for the other one.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        raise ConfigError("not valid YAML" + _reason(error), source=source, line=_line(error, text)) from None
    except (ValueError, OverflowError):
        # An escape or a directive with a number that is none of Unicode or far too long.
        raise ConfigError("not valid YAML: a number in an escape or directive is out of range", source=source) from None
    return composer.root


class _Composer:
    """Puts events together. One use per text."""

    def __init__(self, source: str) -> None:
        self.root: Node | None = None
        self._source = source
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._resolver = yaml.resolver.Resolver()

    def take(self, event: Event) -> None:
        """Add the next event of the parser."""
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._fail("several YAML documents in one file", line)
            case yaml.ScalarEvent():
                self._finish(self._scalar(event, line), event.anchor, line)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise self._fail("an alias without an anchor before it", line)
                self._finish(self._anchors[event.anchor], None, line)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._start(event, line)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                ended = self._open.pop()
                self._finish(self._closed(ended), ended.anchor, ended.line)

    def _start(self, event: yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None and event.tag not in {_CORE + "seq", _CORE + "map"}:
            raise self._fail("tags are not supported", line)
        if len(self._open) >= DEPTH:
            raise self._fail(f"nested more than {DEPTH} levels deep", line)
        self._open.append(_Open(line, isinstance(event, yaml.MappingStartEvent), event.anchor))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Scalar:
        tag = event.tag
        if tag is None or tag == "!":
            resolve: Callable[..., str] = self._resolver.resolve
            tag = resolve(yaml.ScalarNode, event.value, event.implicit)
        short = tag.removeprefix(_CORE)
        if short not in _SCALAR_TAGS:
            raise self._fail("tags are not supported", line)
        return Scalar(event.value, short, line)

    def _closed(self, ended: _Open) -> Node:
        size = 1 + sum(child.size for child in ended.children)
        if size > NODES:
            raise self._fail(f"more than {NODES} values, aliases expanded", ended.line)
        if not ended.is_map:
            return ListNode(tuple(ended.children), ended.line, size)
        entries: list[tuple[Scalar, Node]] = []
        for key, value in zip(ended.children[::2], ended.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise self._fail("a list or mapping as key", key.line)
            entries.append((key, value))
        return MapNode(tuple(entries), ended.line, size)

    def _finish(self, node: Node, anchor: str | None, line: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].children.append(node)
            if len(self._open[-1].children) > NODES:
                raise self._fail(f"more than {NODES} values", line)
        else:
            self.root = node

    def _fail(self, problem: str, line: int) -> ConfigError:
        return ConfigError(problem, source=self._source, line=line)


def _line(error: yaml.YAMLError, text: str) -> int | None:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return int(error.problem_mark.line) + 1
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1
    return None


_REASONS = (
    ("could not find expected ':'", "a `:` after a key is missing"),
    ("mapping values are not allowed", "a `:` where none can be; quote the value or check the indentation"),
    ("cannot start any token", "a character that cannot start a value; quote the value"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("expected <block end>", "the indentation does not fit"),
    ("expected ',' or", "a list or mapping in brackets is not closed"),
    ("unknown escape character", "an unknown escape in double quotes"),
    ("special characters are not allowed", "a control character"),
    ("duplicate anchor", "an anchor is defined twice"),
    ("undefined tag handle", "tags are not supported"),
)


def _reason(error: yaml.YAMLError) -> str:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", ""))
    return next((f": {said}" for phrase, said in _REASONS if phrase in problem), "")
