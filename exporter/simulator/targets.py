"""Finds what an incident is about, by id or exact name."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from exporter.simulator.resources import Flow


class Named(Protocol):
    """What can be the target of an incident."""

    @property
    def id(self) -> str:
        """The id."""

    @property
    def name(self) -> str:
        """The name."""


Target = TypeVar("Target", bound=Named)


def named(rows: Sequence[Target], wanted: str, word: str) -> Target:
    """Return the row of this id or else name, a `word`; raises LookupError with one clear line."""
    found = next((row for row in rows if row.id == wanted), None) or next((r for r in rows if r.name == wanted), None)
    if found is None or not wanted:
        raise LookupError(f"there is no {word} of this id or name")
    return found


def step_id(flow: Flow, wanted: str | None) -> str:
    """Return the id of a step of the flow: the wanted one, or the first that processes records."""
    if wanted is None:
        return (flow.processing_steps or flow.steps)[0].id
    return named(flow.steps, wanted, "step").id
