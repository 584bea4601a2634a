"""Who imports whom, read from the source; and the table of docs/architecture.md that says who may."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import exporter

PACKAGE = Path(exporter.__file__).parent
PAGE = PACKAGE.parent / "docs" / "architecture.md"


@dataclass(frozen=True, order=True)
class Import:
    """One module imports another; `top` when that happens while it is loaded."""

    importer: str
    imported: str
    line: int
    top: bool = True


def sources() -> Iterator[tuple[str, Path]]:
    """Every module of the package by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = frozenset(name for name, _ in sources())


def imports(module: str, source: str) -> Iterator[Import]:
    """What `module` imports, of the package and of others."""
    tree = ast.parse(source)
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else str(node.module) for name in inner]
        else:
            continue
        yield from (Import(module, name, node.lineno, id(node) in top) for name in names)


def all_imports() -> tuple[Import, ...]:
    """Every import of the package."""
    return tuple(each for name, path in sources() for each in imports(name, path.read_text(encoding="utf-8")))


def table() -> Mapping[str, frozenset[str]]:
    """The units of the page's table, and which others each may import."""
    section = PAGE.read_text(encoding="utf-8").partition("## Packages")[2].partition("\n## ")[0]
    allowed: dict[str, frozenset[str]] = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            units, _, others = (cell.strip() for cell in line.strip("|").split(" | "))
            for unit in re.findall(r"`([\w.]+)`", units):
                allowed[unit] = frozenset(re.findall(r"`([\w.]+)`", others))
    return allowed


def unit_of(module: str, units: Mapping[str, object]) -> str:
    """The unit that the module belongs to: the longest name that it begins with. Raises KeyError."""
    parts = module.split(".")[1:]
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in units:
            return name
    raise KeyError(module)
