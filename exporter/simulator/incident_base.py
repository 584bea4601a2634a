"""What all incidents of the account share: their base and the ranges of their options.

One structure per kind; its fields are the options, strictly typed. `flow`,
`integration`, `connection` and `agent` are an id or an exact name.
"""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Records = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=2_592_000)]


class Incident(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all account incidents; the tag is the kind."""
