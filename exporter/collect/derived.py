"""What is made of the rows of a listing, made anew only for rows that changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from exporter.changes import altered, kept


class Identified(Protocol):
    """A row with an id."""

    @property
    def id(self) -> str:
        """What identifies it in its listing."""
        ...


R = TypeVar("R", bound=Identified)
V = TypeVar("V")


class Derived(Generic[R, V]):
    """Values by id, made by `make`, a pure function; used by one thread.

    The client hands out the same objects as long as rows stay equal, so that a reading in which ten rows changed costs
    ten calls. Everything that is derived from these values can tell by their identity what changed.
    """

    def __init__(self, make: Callable[[R], V]) -> None:
        self._make = make
        self._listed: tuple[R, ...] = ()
        self._values: Mapping[str, V] = {}

    def of(self, rows: tuple[R, ...]) -> Mapping[str, V]:
        """The value of each row by its id, which are all different; the very mapping of before when the values are.

        Not to be changed.
        """
        if rows is not self._listed:
            before = self._listed
            # A row is nearly always followed by itself.
            others = [(row, old) for row, old in zip(rows, before, strict=False) if row is not old]
            in_place = len(rows) == len(before) == len(self._values) and all(row.id == old.id for row, old in others)
            self._values = self._altered([row for row, _ in others]) if in_place else self._anew(rows)
            self._listed = rows
        return self._values

    def _altered(self, rows: Sequence[R]) -> Mapping[str, V]:
        """The values when nothing but these rows is another."""
        made = {row.id: self._made(row) for row in rows}
        return altered(self._values, {key: value for key, value in made.items() if value is not self._values[key]})

    def _anew(self, rows: Sequence[R]) -> Mapping[str, V]:
        before, values = {row.id: row for row in self._listed}, self._values
        return kept(values, {row.id: values[row.id] if before.get(row.id) is row else self._made(row) for row in rows})

    def _made(self, row: R) -> V:
        """The value of the row; that of before when it is equal."""
        made, before = self._make(row), self._values.get(row.id)
        return before if before is not None and before == made else made
