"""Shares of a number of things."""

import math

# What a product lacks of a whole number in binary fractions is nothing.
_ROUNDING = 1e-9


def part_of(number: int, share: float) -> int:
    """Return a share of a number of things, rounded up: some of some, none of none."""
    return max(1, math.ceil(number * share - _ROUNDING)) if number and share else 0
