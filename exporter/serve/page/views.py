"""What the templates get: texts, and how they are meant.

A `tone` is shown by a sign and a word, never by its colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["good", "warn", "bad", "wait"]


def tone_of(number: int | None, worst: Tone) -> Tone | None:
    """None while a number is not known; `worst` when it is not 0."""
    return None if number is None else worst if number else "good"


@dataclass(frozen=True, slots=True)
class Mark:
    """A state in a word."""

    tone: Tone
    word: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table. `href` makes it a link, `title` is told on hovering, `note` stands below it."""

    text: str
    tone: Tone | None = None
    href: str | None = None
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; numbers stand on the right."""

    label: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns; the first of them is the row's heading. `key` stays when the row moves."""

    key: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or the sentence `nothing` when it has no row. `more` rows are left out."""

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row] = ()
    more: int = 0
    nothing: Cell = Cell("")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know: what it is, and what to do."""

    tone: Tone
    about: str
    cause: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure. `href` leads to where it is told in full."""

    label: str
    value: str
    note: str = ""
    tone: Tone | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Figures and tables under one heading. Of the table `folded` only the caption is seen until it is opened."""

    id: str
    title: str
    tables: Sequence[Table] = ()
    facts: Sequence[Tile] = ()
    folded: Table | None = None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One account in full."""

    name: str
    mark: Mark
    place: str
    app: str | None
    notices: Sequence[Notice]
    checks: Sequence[tuple[str, Mark]]
    tiles: Sequence[Tile]
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Overview:
    """All accounts, the worst first, `before` and `after` being links to the rest of them."""

    tiles: Sequence[Tile]
    table: Table
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page. Exactly one of `overview` and `account` is there unless the account is `unknown`.

    `metrics` is where the metrics are of what is told of.
    """

    title: str
    state: Mark
    summary: str
    as_of: str
    version: str
    base: str
    metrics: str
    build: Sequence[Tile]
    notices: Sequence[Notice]
    configuration: str
    configuration_note: str
    overview: Overview | None = None
    account: AccountPage | None = None
    way_back: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """The page as it is sent, plain and compressed."""

    status: int
    content: bytes
    compressed: bytes = field(repr=False)
