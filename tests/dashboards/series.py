"""Series of a played day: when each changed, minute by minute, and as OpenMetrics text at any other time."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tests.incidents.tape import Sample

MINUTE = 60
Changes = list[tuple[int, Sample]]
"""A minute and the value from there on; None where the series ends."""

_RECORDED_INSTANTS = frozenset({"celigo:flow_edited_since_success", "ALERTS_FOR_STATE"})
"""What rules record that is an instant; all else about time is how long ago."""


class Day(msgspec.Struct, frozen=True):
    """A played day. Minutes count from `begin`, Unix seconds; the last played one is `last`.

    Each series is named as in a document, with the labels of a scrape; what is an instant in it is one of then.
    """

    begin: int
    last: int
    series: dict[str, Changes]

    def moved(self, shift: int) -> Iterator[str]:
        """OpenMetrics text of a sample a minute, `shift` seconds later; without its end."""
        stamps = [f"{self.begin + shift + MINUTE * minute}\n" for minute in range(self.last + 1)]
        for name, changes in self.series.items():
            yield "".join(_lines(name, changes, stamps, shift if is_instant(name) else 0))


def is_instant(series: str) -> bool:
    """Whether values of the series are Unix seconds."""
    name = series.partition("{")[0]
    return name.endswith("_timestamp_seconds") or name in _RECORDED_INSTANTS


def _lines(series: str, changes: Changes, stamps: Sequence[str], shift: int) -> Iterator[str]:
    ends = [minute for minute, _ in changes[1:]] + [len(stamps)]
    for (minute, value), end in zip(changes, ends, strict=True):
        if value is not None:
            head = f"{series} {value + shift!r} "
            yield from (head + stamp for stamp in stamps[minute:end])


def labelled(series: str, labels: str) -> str:
    """A series of a document with the labels that a scrape adds."""
    name, brace, own = series.partition("{")
    return f"{name}{{{labels},{own}" if brace else f"{name}{{{labels}}}"


def written(labels: Mapping[str, str]) -> str:
    """A series of these labels, `__name__` among them, as documents write it."""
    own = (f'{name}="{_escaped(text)}"' for name, text in labels.items() if name != "__name__")
    return f"{labels['__name__']}{{{','.join(own)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def kept(day: Day) -> bytes:
    """The day as bytes that `restored` reads."""
    return msgspec.msgpack.encode(day)


def restored(content: bytes) -> Day:
    """The day that was kept. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(content, type=Day)


def as_changes(samples: Mapping[int, float], minutes: Sequence[int]) -> Changes:
    """Changes of a series that was looked at in `minutes`; each look holds until the next one."""
    found: Changes = []
    held: Sample = None
    for minute in minutes:
        value = samples.get(minute)
        if value != held:
            found.append((minute, value))
            held = value
    return found
