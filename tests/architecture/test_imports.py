"""Imports point one way, as docs/architecture.md says, and the world is touched in few places."""

import ast
from collections.abc import Mapping
from graphlib import TopologicalSorter

import pytest

from tests.architecture.imports import MODULES, Import, all_imports, imports, sources, table, unit_of

IMPORTS = all_imports()
TABLE = table()


def crossing() -> dict[tuple[str, str], Import]:
    """One import for each pair of units."""
    own = [each for each in IMPORTS if each.imported in MODULES - {"exporter"} and each.importer != "exporter"]
    pairs = {(unit_of(each.importer, TABLE), unit_of(each.imported, TABLE)): each for each in own}
    return {(one, other): each for (one, other), each in pairs.items() if one != other}


def test_every_module_belongs_to_a_unit_of_the_page() -> None:
    for module in MODULES - {"exporter"}:
        try:
            unit_of(module, TABLE)
        except KeyError:
            pytest.fail(f"docs/architecture.md: add a row for {module} to the table under Packages")


def test_every_unit_of_the_page_exists() -> None:
    for unit in TABLE:
        assert f"exporter.{unit}" in MODULES, f"docs/architecture.md: there is no exporter.{unit}"


def test_a_unit_imports_only_what_the_page_allows() -> None:
    wrong = [
        f"exporter.{one} may not import {other}, but {each.importer}, line {each.line}, imports {each.imported}"
        for (one, other), each in crossing().items()
        if other not in TABLE[one]
    ]
    assert not wrong, "\n".join([*wrong, "(if it should, add it to the row in docs/architecture.md)"])


def test_the_page_allows_nothing_that_nobody_uses() -> None:
    used = crossing()
    unused = [f"{one}: {other}" for one, others in TABLE.items() for other in others if (one, other) not in used]
    assert not unused, f"docs/architecture.md allows imports that there are not, take them out: {unused}"


FORBIDDEN = {
    "simulator": {"api", "collect", "ledger", "expose", "serve", "config", "schedule", "logs", "clock"},
    "api": {"collect", "ledger", "serve", "simulator", "expose", "check", "web"},
    "ledger": {"collect", "serve", "simulator", "expose", "web"},
    "collect": {"serve", "simulator", "web", "commands"},
    "expose": {"api.client", "api.transport", "serve", "simulator", "web"},
    "schedule": set(TABLE),
    "config": {"api", "collect", "ledger", "expose", "serve", "simulator"},
    "web": {"api", "collect", "ledger", "expose", "simulator"},
}


@pytest.mark.parametrize("unit", FORBIDDEN)
def test_what_no_edit_of_the_page_may_allow(unit: str) -> None:
    assert not TABLE[unit] & FORBIDDEN[unit]


def test_only_the_command_line_and_the_demo_know_the_simulator() -> None:
    outside = {each.importer for each in IMPORTS if each.imported.startswith("exporter.simulator")}
    inside = {name for name in MODULES if name.startswith("exporter.simulator")}
    assert outside - inside <= {"exporter.commands.simulator", "exporter.commands.account_flags", "exporter.serve.demo"}


def test_modules_load_in_one_order() -> None:
    """No module needs, while it is loaded, one that needs it."""
    graph: Mapping[str, set[str]] = {name: set() for name in MODULES}
    for each in IMPORTS:
        # A package's own modules are loaded after what it says itself.
        inner = each.importer.startswith(f"{each.imported}.")
        if each.top and each.imported in MODULES and each.imported != each.importer and not inner:
            graph[each.importer].add(each.imported)
    assert list(TopologicalSorter(graph).static_order())


def importers_of(*names: str) -> set[str]:
    mine = [each for each in IMPORTS if each.imported.partition(".")[0] in names]
    return {each.importer for each in mine if not each.importer.startswith("exporter.simulator")}


def test_one_module_sends_requests() -> None:
    """One tells it what to trust; the other two read exceptions of the library, and ask which proxy it would use."""
    reading = {"exporter.api.trust", "exporter.api.failures", "exporter.check.accounts"}
    assert importers_of("requests", "urllib3", "http", "socket") & {
        name for name in MODULES if name.startswith(("exporter.api", "exporter.check", "exporter.collect"))
    } == {"exporter.api.transport", *reading}


def test_one_module_reads_the_time_and_waits() -> None:
    assert importers_of("time") == {"exporter.clock"}
    for name, path in sources():
        if not name.startswith("exporter.simulator"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
            assert not calls & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}, name


def test_an_import_within_a_function_is_read_too() -> None:
    source = "from exporter import clock\ndef f():\n    from exporter.api.client import CeligoClient\n    import time\n"
    assert list(imports("exporter.x", source)) == [
        Import("exporter.x", "exporter.clock", 1),
        Import("exporter.x", "exporter.api.client", 3, top=False),
        Import("exporter.x", "time", 4, top=False),
    ]
