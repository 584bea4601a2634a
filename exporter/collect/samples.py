"""What the open error records of a step are like: counted by class, source and code, within bounds.

Only counts and instants are kept. Codes come from the end application and may be anything; what does not look like a
code (spaces, addresses, ids) is counted as `other`, so that no text of a record can become a label.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from exporter.api.models import ErrorRecord
from exporter.collect.ageing import ascending

OTHER = "other"
NONE = "none"

CLASSIFICATIONS = (
    "value", "missing", "connection", "intermittent", "rate_limit", "too_large", "parse", "duplicate", "governance",
    NONE, OTHER,
)  # fmt: skip
"""The closed enumeration of `classification`; absent is `none` (contract 2)."""

SOURCES = (
    "internal", "application", "connection", "resource", "transformation", "output_filter", "input_filter",
    "import_filter", "lookup", "mapping", "response_mapping", "pre_save_page_hook", "pre_map_hook", "post_map_hook",
    "post_submit_hook", "post_response_map_hook", "post_aggregate_hook", "pre_send_hook_ss", "pre_map_hook_ss",
    "post_map_hook_ss", "post_submit_hook_ss", OTHER,
)  # fmt: skip
"""The closed enumeration of `source` (contract 2)."""

_CODES_PER_STEP = 200
_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_LONG_NUMBER_OR_ID = re.compile(r"\d{7,}|[0-9a-fA-F-]{24,}")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ALIASES = {"ratelimit": "rate_limit", "toolarge": "too_large", "": NONE}


@dataclass(frozen=True, slots=True)
class Sample:
    """The open errors of a step as far as they were read.

    `complete` is false when a page bound cut the reading. `oldest` is known only from a complete reading in which every
    record has an instant. `occurred` and `purges` are the instants that are known, ascending. `assigned` counts records
    that somebody is assigned to; it is None where no record says.
    """

    read: int
    complete: bool
    oldest: float | None
    classifications: Mapping[str, int]
    sources: Mapping[str, int]
    codes: Mapping[str, int]
    occurred: Sequence[float] = field(repr=False)
    purges: Sequence[float] = field(repr=False)
    assigned: int | None


def sample_of(records: Sequence[ErrorRecord], *, complete: bool) -> Sample:
    """Count `records`."""
    occurred = ascending(record.occurred_at for record in records)
    settled = complete and len(occurred) == len(records) > 0
    assigned = [record.assigned for record in records if record.assigned is not msgspec.UNSET]
    return Sample(
        read=len(records),
        complete=complete,
        oldest=occurred[0] if settled else None,
        classifications=Counter(classification_label(record.classification) for record in records),
        sources=Counter(source_label(record.source) for record in records),
        codes=most_frequent(Counter(code_label(record.code) for record in records), _CODES_PER_STEP),
        occurred=occurred,
        purges=ascending(record.purge_at for record in records),
        assigned=sum(assigned) if assigned else None,
    )


def classification_label(value: str | None) -> str:
    """The member of `CLASSIFICATIONS` for a value from the wire, whose spelling is not settled for all of them."""
    word = _HUMP.sub("_", (value or "").strip()).lower().replace(" ", "_").replace("-", "_")
    word = _ALIASES.get(word, word)
    return word if word in CLASSIFICATIONS else OTHER


def source_label(value: str | None) -> str:
    """The member of `SOURCES` for a value from the wire."""
    return value if value in SOURCES else OTHER


def code_label(value: str | int | None) -> str:
    """A label value for a code: the code itself when it looks like one, `none` without, else `other`."""
    text = "" if value is None else str(value).strip()
    if not text:
        return NONE
    if not _CODE.fullmatch(text) or _LONG_NUMBER_OR_ID.fullmatch(text):
        return OTHER
    return text


def most_frequent(counts: Mapping[str, int], bound: int) -> dict[str, int]:
    """The `bound` largest counts, ties in order of the name, and all the rest together as `other`."""
    ranked = sorted((name for name in counts if name != OTHER), key=lambda name: (-counts[name], name))
    kept = {name: counts[name] for name in ranked[:bound]}
    rest = counts.get(OTHER, 0) + sum(counts[name] for name in ranked[bound:])
    return {**kept, OTHER: rest} if rest else kept


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The counts added up by name."""
    total: dict[str, int] = {}
    for each in counts:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return total
