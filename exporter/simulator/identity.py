"""Reproducible ids and random streams.

Everything the sample account invents is a function of the seed and of a name for
the thing invented, never of the order in which things are asked for. Two accounts
with the same seed are therefore equal, and one run's fate does not depend on how
many runs were drawn before it.
"""

from hashlib import blake2b
from random import Random


def digest(seed: int, *parts: object) -> bytes:
    """Return 12 bytes that depend on `seed` and every part, in order."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    return blake2b(text.encode(), digest_size=12).digest()


def object_id(seed: int, *parts: object) -> str:
    """Return an opaque id of 24 hex characters (contract 1.3)."""
    return digest(seed, *parts).hex()


def stream(seed: int, *parts: object) -> Random:
    """Return a private random stream for the thing named by `parts`."""
    return Random(digest(seed, *parts))  # noqa: S311 - sample numbers must repeat, nothing secret is drawn
