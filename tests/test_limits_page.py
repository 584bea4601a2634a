"""docs/limits.md: every number is that of the code, every test exists, no limit of the code is missing."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from exporter.config.settings import Limits
from tests.named import missing_test

ROOT = Path(__file__).parents[1]
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "years of 366 days": 366 * 86_400}
ELSEWHERE = {"http.client", ""}
NO_LIMIT = {
    "exporter.config.problem.SHOWN_CHARACTERS": "cuts messages of ours",
    "exporter.config.problem.TOKEN_LIKE_CHARACTERS": "tells a token from a word",
    "exporter.web.limits.CHUNK_BYTES": "how an answer is cut up",
    "exporter.web.limits.SEND_BYTES": "what the system keeps of an answer",
    "exporter.expose.catalogue.own.EXPORTER_STATE_SIZE_BYTES": "a metric",
    "exporter.expose.catalogue.own.EXPORTER_REPLICA_ACCOUNTS": "a metric",
    "exporter.serve.page.configuration.ACCOUNTS": "how many the page shows",
    "exporter.serve.page.overview.ACCOUNTS": "how many the page shows",
    "exporter.serve.page.flows.ROWS": "how many the page shows",
    "exporter.serve.page.words.SHOWN_CHARACTERS": "how much the page shows",
    "exporter.serve.page.endpoint.KEPT_PAGES": "how many pages are kept ready",
}
"""Names that look like limits of an input and are none."""


@dataclass(frozen=True)
class Limit:
    what: str
    number: str
    code: str
    test: str


def rows() -> Iterator[Limit]:
    for line in (ROOT / "docs/limits.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[0] not in {"What", "---"}:
            yield Limit(cells[0], cells[1], cells[3].strip("` "), cells[4].strip("`| "))


ROWS = list(rows())


def value_of(name: str) -> Any:
    """A module's constant, or the default of a dataclass' field."""
    holder, _, last = name.rpartition(".")
    try:
        return getattr(import_module(holder), last)
    except ModuleNotFoundError:
        module, _, owner = holder.rpartition(".")
        kind = getattr(import_module(module), owner)
        assert is_dataclass(kind)
        (found,) = (each.default for each in fields(kind) if each.name == last)
        assert found is not MISSING
        return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what[:40])
def test_the_number_is_that_of_the_code_and_the_test_exists(row: Limit) -> None:
    assert missing_test(row.test) is None
    if row.code not in ELSEWHERE:
        told = re.fullmatch(r"([\d,]+)(?: (.+))?", row.number)
        assert told is not None
        assert int(told[1].replace(",", "")) * UNITS.get(told[2], 1) == value_of(row.code)


def test_every_key_of_the_limits_has_a_row() -> None:
    named = {match[1] for row in ROWS if (match := re.match(r"`limits\.(\w+)`", row.what))}
    assert named == {each.name for each in fields(Limits)}


def test_every_constant_that_looks_like_a_limit_has_a_row() -> None:
    wanted = re.compile(
        r"^((?:[A-Z]+_)*(?:CHARACTERS|BYTES|ROWS|NODES|DEPTH|ACCOUNTS|OWNERS|USERS|PAGES)) = ", re.MULTILINE
    )
    found = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{name}"
        for path in (ROOT / "exporter").rglob("*.py")
        if "simulator" not in path.parts
        for name in wanted.findall(path.read_text())
    }
    assert found - NO_LIMIT.keys() - {row.code for row in ROWS} == set()
    assert found >= NO_LIMIT.keys()
