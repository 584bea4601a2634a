"""What a listing call answers: rows, and whether they are all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, UnexpectedShape

R = TypeVar("R")

ROWS = 500_000
"""Rows of one answer, and of one listing, at most: memory for more is not risked on what somebody else sends."""

REJECT_REASONS = ("not_an_object", "missing_id", "wrong_type", "bad_instant")
"""Why a row was left out; the closed enumeration of `celigo_exporter_rows_rejected_total{reason}`."""


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of one answer. `cut` is true when more rows exist that will not be read (page bound, loop).

    `rejected` counts rows that were left out, by reason; `unread` are the ids of those of them that show one.
    """

    rows: tuple[R, ...]
    cut: bool = False
    rejected: Mapping[str, int] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether everything that the answer is about is in `rows` or in `unread`."""
        return not self.cut and sum(self.rejected.values()) <= len(self.unread)


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """Rows of a whole listing.

    `unread` are ids of rows that could not be read otherwise: they exist, and no more is known of them. `complete` is
    false when a page bound cut the listing or a row without a readable id was left out: anything may still exist.
    `fetched_at` is monotonic seconds when its first request was sent; `stale` is true when the newest attempt
    failed and these are older rows kept by the cache; `failure` is why.
    """

    rows: tuple[R, ...]
    complete: bool
    fetched_at: float
    stale: bool = False
    failure: ApiError | None = None
    unread: frozenset[str] = frozenset()

    @property
    def illegible(self) -> bool:
        """Whether rows came and not one of them could be read."""
        return not self.rows and (not self.complete or bool(self.unread))

    @property
    def whole(self) -> bool:
        """Whether everything was listed and could be read."""
        return self.complete and not self.unread

    def may_hold(self, name: str) -> bool:
        """Whether something that is not in `rows` may still exist."""
        return not self.complete or name in self.unread

    def required(self, endpoint: Endpoint) -> Self:
        """The listing itself, unless it is illegible: then raises UnexpectedShape."""
        if self.illegible:
            raise UnexpectedShape(endpoint.value, method=endpoint.method, status=200, detail="no row could be read")
        return self
