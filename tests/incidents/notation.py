"""A series as promtool's test files write it: `1x59 0 _x4 stale 60+60x9`."""

from collections.abc import Sequence
from itertools import pairwise

from tests.incidents.tape import Sample

_SHORTEST = 3
"""A run of fewer samples is written out."""


def notation(samples: Sequence[Sample]) -> str:
    """Samples minute by minute; a series whose value is followed by none is stale, as after a scrape."""
    words: list[str] = []
    place = 0
    while place < len(samples):
        value = samples[place]
        if value is None:
            stale = place > 0 and samples[place - 1] is not None
            length = _blanks(samples, place)
            words += ["stale"] if stale else []
            words += _missing(length - stale)
        else:
            length, step = _run(samples, place)
            words.append(_steady(value, step, length) if length > 1 else _number(value))
        place += length
    return " ".join(words)


def _blanks(samples: Sequence[Sample], place: int) -> int:
    return next((n for n in range(1, len(samples) - place) if samples[place + n] is not None), len(samples) - place)


def _missing(count: int) -> list[str]:
    return [f"_x{count}"] if count > 1 else ["_"] * count


def _run(samples: Sequence[Sample], place: int) -> tuple[int, float]:
    """How many samples from here on change by the same step, and the step; only whole numbers move."""
    first, second = samples[place], samples[place + 1] if place + 1 < len(samples) else None
    if first is None or second is None:
        return 1, 0.0
    step = second - first
    if step != 0 and not (first.is_integer() and second.is_integer()):
        return 1, 0.0
    length = 2
    for before, after in pairwise(samples[place + 1 :]):
        if before is None or after is None or after - before != step:
            break
        length += 1
    return (length, step) if length >= _SHORTEST or step == 0 else (1, 0.0)


def _steady(value: float, step: float, length: int) -> str:
    if step == 0:
        return f"{_number(value)}x{length - 1}"
    return f"{_number(value)}{'+' if step > 0 else '-'}{_number(abs(step))}x{length - 1}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
