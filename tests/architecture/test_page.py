"""What docs/architecture.md names exists: modules, classes, locks, files."""

import ast
import re

import pytest

from tests.architecture.imports import MODULES, PAGE, sources

TEXT = PAGE.read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", TEXT))


def defined() -> frozenset[str]:
    """Names of classes, functions and constants of the package's modules, and of their methods."""
    names: set[str] = set()
    for _, path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(names)


DEFINED = defined()


@pytest.mark.parametrize(
    "name", sorted(name for name in NAMED if re.fullmatch(r"[A-Z]\w*[a-z]\w*|[A-Z]+_[A-Z_]+", name))
)
def test_every_class_and_constant_exists(name: str) -> None:
    assert name in DEFINED


@pytest.mark.parametrize("name", sorted(name for name in NAMED if re.fullmatch(r"exporter(\.\w+)+", name)))
def test_every_module_exists(name: str) -> None:
    assert name in MODULES


def test_what_the_diagram_names_exists() -> None:
    diagram = TEXT.partition("```mermaid")[2].partition("```")[0]
    nodes = re.findall(r"\[\(?([a-z_]+(?:\.[a-z_]+)*)[\]:)]", diagram)
    assert len(nodes) > 10
    for name in nodes:
        assert f"exporter.{name}" in MODULES or name == "integrator.io"


def locks() -> set[str]:
    """Modules that make a lock."""
    return {
        name.removeprefix("exporter.")
        for name, path in sources()
        if re.search(r"threading\.R?Lock\(\)", path.read_text(encoding="utf-8"))
        and not name.startswith("exporter.simulator")
    }


def test_every_lock_is_on_the_page() -> None:
    section = TEXT.partition("| Lock of | Guards |")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE))
    assert named == locks(), (
        "docs/architecture.md: make the table of locks fit; in the code but not there: "
        f"{sorted(locks() - named)}; there but not in the code: {sorted(named - locks())}"
    )


def test_a_lock_says_in_its_module_what_it_guards() -> None:
    for name, path in sources():
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"= threading\.R?Lock\(\)", line) and not name.startswith("exporter.simulator"):
                assert "# guards " in line, f"{name}: say what the lock guards, in a comment on its line"
