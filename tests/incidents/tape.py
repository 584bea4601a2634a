"""What was scraped, minute by minute: only families that the rules read, and only changes."""

from collections.abc import Iterator

from tests.simulation.series import Scraped

Sample = float | None
"""A value; None from the first scrape on that did not have the series."""


class Tape(Scraped):
    """Takes the place of a world's `scraped`. Minutes count from `begin`, Unix seconds.

    `up` tells by minute whether a scrape succeeded; a minute that is in it not is like the one before.
    """

    def __init__(self, begin: float, names: frozenset[str]) -> None:
        super().__init__()
        self.up: dict[int, bool] = {}
        self.changes: dict[bytes, list[tuple[int, Sample]]] = {}
        self._begin = begin
        self._names = frozenset(name.encode() for name in names)
        self._held: dict[bytes, bytes] = {}
        self._seen: frozenset[bytes] = frozenset()

    def add(self, at: float, document: bytes) -> None:
        """Take a document that was served at Unix instant `at`."""
        minute = int((at - self._begin) // 60)
        self.up[minute] = True
        lines = frozenset(document.split(b"\n"))
        new = dict(line.rsplit(b" ", 1) for line in lines - self._seen if self._wanted(line))
        gone = [line.rsplit(b" ", 1)[0] for line in self._seen - lines if self._wanted(line)]
        for series, value in new.items():
            self._change(series, minute, float(value))
        for series in gone:
            if series not in new:
                self._change(series, minute, None)
        self._seen = lines

    def miss(self, minute: int) -> None:
        """Note that nothing answered; every series ends."""
        self.up[minute] = False
        for line in self._seen:
            if self._wanted(line):
                self._change(line.rsplit(b" ", 1)[0], minute, None)
        self._seen = frozenset()

    def by_minute(self, series: bytes, minutes: int) -> Iterator[Sample]:
        """The series' sample of each minute from 0 on."""
        changes = iter(self.changes[series])
        held: Sample = None
        upcoming = next(changes, None)
        for minute in range(minutes):
            while upcoming is not None and upcoming[0] <= minute:
                held, upcoming = upcoming[1], next(changes, None)
            yield held

    def _change(self, series: bytes, minute: int, value: Sample) -> None:
        changes = self.changes.setdefault(series, [])
        if changes and changes[-1][0] == minute:
            changes.pop()
        changes.append((minute, value))

    def _wanted(self, line: bytes) -> bool:
        end = line.find(b"{")
        return line[: end if end >= 0 else line.find(b" ")] in self._names
