"""A past in which something happened: counters that grew to what they are, in the same way in every run.

The simulated account stands still while it is read, so its counters have counted nothing.
"""

import re
import zlib
from collections.abc import Iterator

from tests.bench.past import Then, unchanged

PAST = 8 * 86_400
"""Seconds for which counters have grown; no board shows more."""

_OF_TROUBLE = ('"error"', '"failed"', '"canceled"')
_TROUBLED = 40
"""Of so many series about trouble one grows."""

_BUILT = re.compile(r"^celigo_exporter_snapshot_timestamp_seconds\S* (\S+)$", re.MULTILINE)
_INSTANT = re.compile(r"^(\w+_timestamp_seconds\{.*\} )(\S+)$", re.MULTILINE)

_OF_HISTOGRAMS = ("_bucket", "_count", "_sum")


def an_hour(labels: str) -> int:
    """What a series grows by in an hour; nothing when it is no counter. All buckets of a histogram grow alike."""
    name = labels.partition("{")[0]
    if name.endswith(_OF_HISTOGRAMS):
        return 6
    if not name.endswith("_total"):
        return 0
    mixed = zlib.crc32(labels.encode())
    if any(word in labels for word in _OF_TROUBLE):
        return 2 if mixed % _TROUBLED == 0 else 0
    return mixed % 13


def grown(labels: str, value: str) -> Then:
    """The past of a series that has `value` in the document that `after` made."""
    hourly = an_hour(labels)
    if not hourly:
        return unchanged(labels, value)
    newest = float(value)
    return lambda age: f"{newest - age * hourly // 3600:.17g}"


def after(document: str) -> Iterator[str]:
    """The lines of the document, in which counters have what they counted in all the past."""
    for line in document.splitlines():
        labels, _, value = line.rpartition(" ")
        hourly = 0 if line.startswith("#") else an_hour(labels)
        yield f"{labels} {float(value) + PAST * hourly // 3600:.17g}" if hourly else line


def as_of(document: str, moment: int) -> str:
    """The document as if it had been built at `moment`: what it tells of instants is as long ago as it was."""
    built = _BUILT.search(document)
    if built is None:
        raise ValueError("the document does not tell when it was built")
    shift = moment - float(built[1])

    def moved(found: re.Match[str]) -> str:
        return f"{found[1]}{float(found[2]) + shift:.17g}"

    return _INSTANT.sub(moved, document)
