"""Lengths of time as scenarios write them: `0m`, `20m`, `1h30m`, `2d`; whole minutes."""

import re

_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_MINUTES = (7 * 24 * 60, 24 * 60, 60, 1)
_UNITS = (("w", 7 * 24 * 60), ("d", 24 * 60), ("h", 60), ("m", 1))


class Span(int):
    """Minutes."""

    def __str__(self) -> str:
        return said(int(self))


def span(text: object) -> Span:
    """The minutes that `text` says; raises ValueError for anything else."""
    found = _SPAN.fullmatch(text) if isinstance(text, str) and text else None
    if found is None:
        raise ValueError(f"expected a time in whole minutes such as 20m or 1h30m, got {text!r}")
    return Span(sum(int(part) * minutes for part, minutes in zip(found.groups("0"), _MINUTES, strict=True)))


def said(minutes: int) -> str:
    """`minutes` as `span` reads it."""
    parts = []
    for unit, length in _UNITS:
        count, minutes = divmod(minutes, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0m"
