"""What is made of the rows of a listing, made anew only for rows that changed."""

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar


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
        self._rows: dict[str, R] = {}
        self._values: Mapping[str, V] = {}

    def of(self, rows: tuple[R, ...]) -> Mapping[str, V]:
        """The value of each row by its id; the very mapping of before when `rows` are. Not to be changed."""
        if rows is not self._listed:
            before, values, make = self._rows, self._values, self._make
            self._listed, self._rows = rows, {row.id: row for row in rows}
            self._values = {
                key: values[key] if before.get(key) is row else make(row) for key, row in self._rows.items()
            }
        return self._values
