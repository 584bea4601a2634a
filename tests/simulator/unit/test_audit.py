"""The audit log grows with time and with incidents."""

from exporter.simulator.audit import AuditTrail
from tests.simulator.unit.build import DAY, HOUR, START, bare_engine, engine


def test_some_entries_lie_in_the_past_in_order_of_time() -> None:
    entries = engine(history_seconds=0.0).audit.entries
    stamps = [entry.at_ms for entry in entries]
    assert len(entries) == 120
    assert stamps == sorted(stamps)
    assert START - 29 * DAY <= stamps[0] < stamps[-1] < START


def test_entries_come_about_every_quarter_of_an_hour() -> None:
    of = engine(history_seconds=0.0)
    of.advance(START + DAY)
    assert 60 < len(of.audit.entries) - 120 < 140


def test_ids_are_unique_and_the_kinds_vary() -> None:
    of = engine()
    of.advance(START + 6 * HOUR)
    entries = of.audit.entries
    assert len({entry.id for entry in entries}) == len(entries)
    assert {entry.event for entry in entries} == {"create", "update", "delete"}
    assert {"ui", "api", "system"} <= {entry.source for entry in entries}


def test_only_an_update_has_a_changed_field_and_only_people_have_names() -> None:
    for entry in engine().audit.entries:
        row = entry.row()
        assert (row["fieldChange"] is not None) is (entry.event == "update")
        assert (row["byUser"] is None) is (entry.source == "system")


def test_a_recorded_change_is_by_the_owner_in_the_web_app() -> None:
    trail: AuditTrail = bare_engine().audit
    trail.record(START, "flow", "f" * 24, "update", "name")
    row = trail.entries[-1].row()
    assert (row["source"], row["_resourceId"], row["event"]) == ("ui", "f" * 24, "update")


def test_the_log_is_bounded() -> None:
    trail = bare_engine().audit
    for number in range(25_000):
        trail.record(START + number, "flow", "f" * 24, "delete")
    assert len(trail.entries) <= 20_000
    assert trail.entries[-1].at_ms == START + 24_999
