"""A place in the settings file: what stands there, on which line, under which key path."""

from dataclasses import dataclass

from exporter.config.nodes import ListNode, MapNode, Node, Scalar
from exporter.config.problem import HIDDEN, ConfigError, named, names_secret, shown


@dataclass(frozen=True, slots=True)
class Cursor:
    """One node with its place. `path` is the key path, such as `accounts[0].region`; empty for the whole file.

    `key_line` is the line of the key that leads here.
    """

    node: Node
    source: str
    path: str = ""
    key_line: int = 1

    def fail(self, problem: str, *, key: str | None = None, line: int | None = None) -> ConfigError:
        """The error to raise about this place, or about another `key` or `line` near it."""
        at = self.node.line if line is None else line
        return ConfigError(problem, source=self.source, line=at, key=self.path if key is None else key)

    def expected(self, what: str) -> ConfigError:
        """The error for a value of another kind than `what`."""
        return self.fail(f"expected {what}, got {self.described()}")

    def described(self) -> str:
        """What stands here in words; never a value that is, or might be, a token."""
        if isinstance(self.node, ListNode):
            return "a list"
        if isinstance(self.node, MapNode):
            return "a mapping"
        if self.node.tag == "null":
            return "nothing"
        if names_secret(self.path):
            return HIDDEN
        text = shown(self.node.text)
        # In quotes what is text, without them what YAML takes for a number, a switch or a date.
        return text if self.node.tag == "str" or text == HIDDEN else text[1:-1]

    def scalar(self, what: str) -> Scalar:
        """The single value here; raises ConfigError when there is a list or mapping, or nothing."""
        if not isinstance(self.node, Scalar) or self.node.tag == "null":
            raise self.expected(what)
        return self.node

    def entries(self) -> dict[str, "Cursor"]:
        """The entries of the mapping here, by key; raises ConfigError for anything else and for a key given twice."""
        if not isinstance(self.node, MapNode):
            raise self.expected("a mapping")
        found: dict[str, Cursor] = {}
        for key, value in self.node.entries:
            if key.text in found:
                first = found[key.text].key_line
                raise self.fail(f"{named(key.text)} is given twice; first on line {first}", line=key.line)
            path = f"{self.path}.{key.text}" if self.path else key.text
            found[key.text] = Cursor(value, self.source, path, key.line)
        return found

    def items(self) -> tuple["Cursor", ...]:
        """The items of the list here; raises ConfigError for anything else."""
        if not isinstance(self.node, ListNode):
            raise self.expected("a list")
        return tuple(
            Cursor(item, self.source, f"{self.path}[{number}]", item.line)
            for number, item in enumerate(self.node.items)
        )
