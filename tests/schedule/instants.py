"""Instants and local times as people write them."""

from datetime import datetime
from zoneinfo import ZoneInfo


def instant(text: str, zone: str = "UTC") -> float:
    """Unix seconds of `2026-03-29 02:30`, a local time of `zone`; of a repeated one the first pass."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def local(at: float, zone: str) -> str:
    """The local time of `zone` at `at` with its offset, such as `2026-03-29 03:30+02:00`."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(" ", "minutes")
