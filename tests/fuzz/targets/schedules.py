"""Schedules and time zones, as flows carry them, and when they fire."""

import math
import struct

from exporter.schedule import (
    REASONS,
    Timetable,
    UnreadableSchedule,
    interval_around,
    next_tick,
    previous_tick,
    read_schedule,
    skipped_by_clock_change,
)
from exporter.schedule.expression import LONGEST
from exporter.schedule.forecast import AHEAD_SECONDS
from exporter.schedule.ticks import HORIZON_SECONDS
from tests.fuzz.target import CANARY, Target, keeps_secret, require

FIRST, LAST = 0.0, 7_258_118_400.0
"""1970 to 2200: within it every question is answered."""


def check(held: bytes) -> None:
    """Eight bytes of an instant, then the schedule, then the zone behind a line end."""
    (raw,) = struct.unpack("<d", held[:8].ljust(8, b"\0"))
    text, _, zone = held[8:].decode("utf-8", "replace").partition("\n")
    try:
        schedule = read_schedule(text, zone or None)
    except UnreadableSchedule as refused:
        require(refused.reason in REASONS, "a reason of its own")
        keeps_secret(f"{refused} {refused!r}")
        return
    again = "?" + schedule.expression[1:]
    require(len(again) > LONGEST or read_schedule(again, schedule.zone) == schedule, "read again it is another one")
    now = FIRST + math.fmod(abs(raw), LAST - FIRST) if math.isfinite(raw) else FIRST
    coming, last = next_tick(schedule, now), previous_tick(schedule, now)
    require(now < coming <= now + HORIZON_SECONDS + 60 or coming == math.inf, f"next at {coming}, asked at {now}")
    require(now - HORIZON_SECONDS - 60 <= last <= now or last == -math.inf, f"last at {last}, asked at {now}")
    require(interval_around(schedule, now) == coming - last, "an interval of its own")
    if coming < LAST:
        require(previous_tick(schedule, coming) == coming, "a tick that has not been when it comes")
        require(next_tick(schedule, coming - 0.5) == coming, "a tick that goes away when time comes near")
    if last > -math.inf and last - 60 >= FIRST:
        known = (coming,) if coming - last < HORIZON_SECONDS else (coming, math.inf)
        require(next_tick(schedule, last) in known, "a tick between the last and the next one")
    table = Timetable((schedule,))
    if coming - last < HORIZON_SECONDS:
        require(table.count_ticks(last, coming, 3) == 1, "another number of ticks than one up to the next one")
    lost = skipped_by_clock_change(table, now)
    require(lost is None or now - 86_400 <= lost <= now + AHEAD_SECONDS + 86_400, f"a tick lost at {lost}")


TARGET = Target(
    "schedules",
    "any text is a schedule or refused with a reason; ticks are found in bounded time and agree with each other",
    check,
    words=(
        *(b"? ", b"*/5", b" * ? * *", b"0 0 29 2 *", b"31", b"MON-FRI", b"FRI-SUN", b"5-0", b"feb", b"1,2,3", b"a/2"),
        *(
            b"\nEurope/London",
            b"\nAmerica/New_York",
            b"\nAustralia/Lord_Howe",
            b"\nAfrica/Casablanca",
            b"\nAntarctica/Troll",
        ),
        *(b"\nAsia/Gaza", b"\nEtc/GMT+14", b"\nPacific/Apia", b"\n../../etc/passwd", b"\nright/UTC", b"L", b"W", b"#2"),
        *(struct.pack("<d", at) for at in (0.0, 1.7e9, 1_792_976_400.0, 4_107_542_400.0, 7e9)),
        CANARY.encode(),
    ),
    longest=300,
)
