"""Durations and sizes as people write them: `90s`, `1h30m`, `64MiB`. A number without a unit is refused."""

import re

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?")
_SIZES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
_SIZE = re.compile(r"(\d{1,18})(B|KiB|MiB|GiB)")


def parse_duration(text: str) -> float | None:
    """Seconds of `1h30m`: numbers with the units w, d, h, m, s, ms, each once, largest first. None for others."""
    match = _DURATION.fullmatch(text) if text.isascii() else None
    if match is None or not text:
        return None
    parts = zip(match.groups(default="0"), _UNITS.values(), strict=True)
    return sum(int(number) * unit for number, unit in parts) / 1000


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads as `seconds`, to the millisecond."""
    rest = round(seconds * 1000)
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms"):
        number, rest = divmod(rest, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int | None:
    """Bytes of `64MiB`: a whole number with B, KiB, MiB or GiB. None for anything else."""
    match = _SIZE.fullmatch(text) if text.isascii() else None
    return int(match[1]) * _SIZES[match[2]] if match else None


def format_size(count: int) -> str:
    """The shortest text that `parse_size` reads as `count` bytes."""
    for unit, factor in _SIZES.items():
        if count >= factor and count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}B"
