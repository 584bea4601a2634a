"""Celigo's six-field schedule strings (contract 2, 3.4): what they say and when they fire. Reads no clock."""

from exporter.schedule.expression import REASONS, Reason, Schedule, UnreadableSchedule, read_schedule
from exporter.schedule.forecast import skipped_by_clock_change
from exporter.schedule.ticks import Timetable, count_ticks, interval_around, next_tick, previous_tick

__all__ = [
    "REASONS",
    "Reason",
    "Schedule",
    "Timetable",
    "UnreadableSchedule",
    "count_ticks",
    "interval_around",
    "next_tick",
    "previous_tick",
    "read_schedule",
    "skipped_by_clock_change",
]
