"""What the replica that takes an account over begins with, so that a take-over costs the API next to nothing.

It is told in numbers alone: how the collectors did and when each is due, what was counted of the API, and what is known
of open errors and delta positions, for which a request per flow would be needed. The counters of runs are not here:
they are in the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from exporter.collect.errors_image import ErrorsImage
from exporter.collect.runner import RunnerImage
from exporter.expose.families import Distribution

Numbers = list[tuple[tuple[str, ...], float]]
Distributions = list[tuple[tuple[str, ...], Distribution]]


@dataclass(frozen=True, slots=True)
class LiveImage:
    """What changes all the time, as it was `at` (milliseconds).

    `requests` are the counters of the API's calls by metric, `durations` its histogram.
    """

    at: int = 0
    runners: Mapping[str, RunnerImage] = field(default_factory=dict)
    requests: Mapping[str, Numbers] = field(default_factory=dict)
    durations: Distributions = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Image:
    """All parts; one that is None is not known."""

    live: LiveImage | None = None
    errors: ErrorsImage | None = None
    positions: Mapping[str, float] | None = None


_SHAPES: Mapping[str, object] = {"live": LiveImage, "errors": ErrorsImage, "positions": dict[str, float]}


def packed(part: object) -> bytes:
    """One part as bytes."""
    return msgspec.msgpack.encode(part, enc_hook=list)  # instants are kept as arrays


def unpacked(parts: Mapping[str, bytes]) -> Image:
    """The image of its parts. One that cannot be read, as one of another version, is not known."""
    held: dict[str, object] = {}
    for name, shape in _SHAPES.items():
        if name in parts:
            try:
                held[name] = msgspec.msgpack.decode(parts[name], type=shape)
            except (msgspec.MsgspecError, ValueError):
                continue
    return Image(**held)  # type: ignore[arg-type]
