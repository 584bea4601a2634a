"""The pages about alerts, taken apart, and Prometheus' own opinion of the queries in them."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import required_tool

DOCS = Path(__file__).parents[2] / "docs"
PARTS = ("Means", "Confirm", "Causes", "Remedy", "Ends", "Hiding", "Thresholds")


@dataclass(frozen=True)
class Section:
    """One alert of docs/runbooks.md."""

    name: str
    lead: str
    parts: Mapping[str, str]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def chapters(text: str) -> Mapping[str, list[Section]]:
    """Sections of the runbooks by the heading above them."""
    _, *rest = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return {title: list(_sections(body)) for title, body in zip(rest[::2], rest[1::2], strict=True)}


def _sections(text: str) -> Iterator[Section]:
    _, *rest = re.split(r"^### (.*)\n", text, flags=re.MULTILINE)
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        lead, *parts = re.split(r"^(?:- )?\*\*([A-Z]\w+):\*\*", body, flags=re.MULTILINE)
        said = [" ".join(text.split()) if "```" not in text else text for text in parts[1::2]]
        yield Section(name, lead.strip(), dict(zip(parts[::2], said, strict=True)))


def queries(text: str) -> Iterator[str]:
    """Each query in the blocks of `text`: one begins where a line is not indented."""
    for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
        yield from re.split(r"\n(?! )", block.rstrip("\n"))


def complaints(asked: list[str], folder: Path) -> str:
    """What promtool says of queries that it cannot read: nothing when it can read all."""
    rules = [{"record": f"docs:query{number}", "expr": query} for number, query in enumerate(asked)]
    path = folder / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "docs", "rules": rules}]}))
    tool = required_tool("promtool")
    done = subprocess.run([tool, "check", "rules", path], capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()
