"""The workflows as jobs and steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / ".github/workflows"
FILES = tuple(sorted(FOLDER.glob("*.yml")))


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a workflow."""

    file: str
    name: str
    body: dict[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Its steps; none when it is another workflow."""
        found: list[dict[str, Any]] = self.body.get("steps", [])
        return found


def read(file: Path) -> dict[str, Any]:
    """One workflow. YAML takes `on` for a truth value; here it is the word again."""
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in workflow.items()}


def jobs() -> Iterator[Job]:
    """Every job of every workflow."""
    for file in FILES:
        for name, body in read(file)["jobs"].items():
            yield Job(file.stem, name, body)


def scripts() -> Iterator[tuple[Job, str]]:
    """Every script that a job runs."""
    for job in jobs():
        yield from ((job, step["run"]) for step in job.steps if "run" in step)


def actions() -> Iterator[tuple[Job, dict[str, Any], str, str]]:
    """Every action that is used: its job, step, name and version."""
    for job in jobs():
        for step in job.steps:
            if "uses" in step:
                name, _, version = str(step["uses"]).partition("@")
                yield job, step, name, version
