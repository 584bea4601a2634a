"""What of an account is shown, and whose it is: the sections `profile`, `filters` and `ownership` of the file."""

from typing import Any

from exporter.config.cursor import Cursor
from exporter.config.keys import FILTERS, FLOW_FILTER, MATCH, OWNER, OWNERS, PROFILE
from exporter.config.section import known_entries, read_section, read_values
from exporter.config.settings import Filters, FlowFilter, Owner, OwnershipMatch, Profile


def read_profile(at: Cursor) -> Profile:
    """The profile named at `at`; raises ConfigError for another word."""
    profile: Profile = PROFILE.kind.read(at)
    return profile


def read_filters(at: Cursor) -> Filters:
    """The filters at `at`; raises ConfigError."""
    entries = known_entries(at, ["integrations", "flows", "enabled_only"])
    values = read_values(entries, FILTERS)
    if "flows" in entries:
        values["flows"] = read_section(entries["flows"], FLOW_FILTER, FlowFilter())
    return Filters(**values)


def read_ownership(at: Cursor) -> tuple[Owner, ...]:
    """The entries listed at `at`, in their order; raises ConfigError."""
    items = at.items()
    if len(items) > OWNERS:
        raise at.fail(f"expected at most {OWNERS} entries, got {len(items)}")
    return tuple(_owner(item) for item in items)


def _owner(at: Cursor) -> Owner:
    names = [key.name for key in OWNER]
    entries = known_entries(at, ["match", *names])
    if "match" not in entries:
        raise at.fail("`match` is missing")
    values = read_values(entries, OWNER)
    if not values:
        raise at.fail(f"gives nothing to the flows it matches: one of {', '.join(names)} is needed")
    return Owner(match=_match(entries["match"]), **values)


def _match(at: Cursor) -> OwnershipMatch:
    names = [key.name for key in MATCH]
    values: dict[str, Any] = read_values(known_entries(at, names), MATCH)
    if len(values) != 1:
        raise at.fail(f"expected exactly one of {', '.join(names)}, got {len(values)}")
    return OwnershipMatch(**values)
