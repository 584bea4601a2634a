"""The comments in values.yaml: what each value means, in the words that stand above it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

_MARK = "# -- "


@dataclass(frozen=True, slots=True)
class Value:
    """One value with its path, such as `image.tag`, its default as JSON and what it means."""

    path: str
    default: str
    meaning: str


class Uncommented(Exception):
    """A value says nowhere what it means."""


def values(text: str) -> Iterator[Value]:
    """Every value of the file with this text that has a comment of its own, in its order.

    A mapping or list with a comment is one value, whatever is in it. Raises Uncommented for a value that neither has a
    comment nor lies in one that has.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise Uncommented("the file has no values")
    yield from _walk(root, text.splitlines(), "", yaml.safe_load(text))


def _walk(node: yaml.MappingNode, lines: list[str], above: str, held: Mapping[str, object]) -> Iterator[Value]:
    for key, child in node.value:
        path, value = f"{above}{key.value}", held[key.value]
        meaning = _comment(lines, key.start_mark.line)
        if meaning:
            yield Value(path, json.dumps(value, ensure_ascii=False), meaning)
        elif isinstance(child, yaml.MappingNode) and child.value and isinstance(value, dict):
            yield from _walk(child, lines, f"{path}.", value)
        else:
            raise Uncommented(path)


def _comment(lines: list[str], line: int) -> str:
    """The comment right above a line, from its `# --` on; empty when there is none."""
    first = line
    while first and lines[first - 1].strip().startswith("#"):
        first -= 1
        if lines[first].strip().startswith(_MARK):
            return " ".join(part.strip().removeprefix(_MARK).removeprefix("# ") for part in lines[first:line])
    return ""
