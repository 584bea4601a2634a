"""What a listing call answers: rows, and whether they are all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, UnexpectedShape

R = TypeVar("R")

REJECT_REASONS = ("not_an_object", "missing_id", "wrong_type", "bad_instant")
"""Why a row was left out; the closed enumeration of `celigo_exporter_rows_rejected_total{reason}`."""


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of one answer. `cut` is true when more rows exist that will not be read (page bound, loop)."""

    rows: tuple[R, ...]
    cut: bool = False
    rejected: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """Rows of a whole listing.

    `complete` is false when a page bound cut it or a row was rejected: what is missing from `rows` may still exist.
    `fetched_at` is monotonic seconds when its first request was sent; `stale` is true when the newest attempt
    failed and these are older rows kept by the cache; `failure` is why.
    """

    rows: tuple[R, ...]
    complete: bool
    fetched_at: float
    stale: bool = False
    failure: ApiError | None = None

    def required(self, endpoint: Endpoint) -> Self:
        """The listing itself, unless rows came and not one of them could be read: then raises UnexpectedShape."""
        if not self.rows and not self.complete:
            raise UnexpectedShape(endpoint.value, method=endpoint.method, status=200, detail="no row could be read")
        return self
