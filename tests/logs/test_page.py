"""docs/logs.md lists every event that the exporter can log, with its level and its fields."""

import re
from pathlib import Path

import pytest

from exporter.logs import lines, repeats
from exporter.logs.handler import LEVELS
from tests.logs.events import Event, Unreadable, all_events, events_of

PAGE = Path(__file__).parents[2] / "docs" / "logs.md"
TEXT = PAGE.read_text(encoding="utf-8")


def listed() -> list[tuple[Event, str, str]]:
    """Each row of the page's tables: the event, what it means, what to do."""
    rows = []
    for level, section in re.findall(r"^## `(\w+)`.*\n((?:(?!^## ).*\n?)*)", TEXT, re.MULTILINE):
        for line in section.splitlines():
            if line.startswith("| ") and not line.startswith(("| Event", "| ---")):
                message, fields, meaning, remedy = (cell.strip() for cell in line.strip("|").split(" | "))
                rows.append((Event(message, level, tuple(re.findall(r"`(\w+)`", fields))), meaning, remedy))
    return rows


def row(event: Event) -> str:
    fields = ", ".join(f"`{field}`" for field in event.fields) or "-"
    return f"| {event.message} | {fields} | WHAT IT MEANS | WHAT TO DO |"


def test_every_event_is_on_the_page() -> None:
    missing = sorted(all_events() - {event for event, _, _ in listed()})
    asked = "\n".join(f"  under ## `{event.level}`:  {row(event)}" for event in missing)
    assert not missing, (
        f"docs/logs.md lacks what the code logs; add these rows, with the last two cells filled:\n{asked}"
    )


def test_the_page_lists_nothing_that_is_not_logged() -> None:
    gone = sorted({event for event, _, _ in listed()} - all_events())
    asked = "\n".join(f"  under ## `{event.level}`:  {event.message} ({', '.join(event.fields)})" for event in gone)
    assert not gone, f"docs/logs.md lists what the code does not log with this level and these fields; remove:\n{asked}"


def test_every_event_has_its_meaning_and_what_to_do() -> None:
    for event, meaning, remedy in listed():
        assert meaning not in {"", "-", "WHAT IT MEANS"}, event.message
        assert remedy not in {"", "WHAT TO DO"}, event.message
        # An error is what somebody has to act on.
        assert event.level != "error" or remedy != "-", event.message


def test_each_message_stands_once_and_has_one_level() -> None:
    messages = [event.message for event, _, _ in listed()]
    assert len(messages) == len(set(messages))
    assert re.findall(r"^## `(\w+)`", TEXT, re.MULTILINE) == [*reversed(LEVELS)]


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"{repeats.ENDED_SECONDS / 60:.0f} minutes" in TEXT
    assert f"{repeats.KEPT_EVENTS} events" in TEXT
    assert f"{lines.LONGEST_TEXT} characters" in TEXT
    assert repeats.REPEAT_SECONDS == 3600
    assert "an hour" in TEXT


LOGGER = "import logging\n_log = logging.getLogger(__name__)\n"


def test_an_event_is_read_with_level_and_fields() -> None:
    source = LOGGER + '_log.warning("m", extra={"fields": {"a": 1, **bug_fields(e), "b_seconds": 2}})'
    assert list(events_of(source)) == [Event("m", "warning", ("a", "exception", "at", "b_seconds"))]
    assert list(events_of(LOGGER + '_log.exception("m")')) == [Event("m", "error", ("exception", "at"))]


@pytest.mark.parametrize(
    "call",
    [
        '_log.info("%s", 1)',
        '_log.info(f"{x}")',
        "_log.info(text)",
        '_log.log(20, "m")',
        'logging.warning("m")',
        '_log.critical("m")',
        '_log.info("m", extra={"fields": fields})',
        '_log.info("m", extra={"fields": {name: 1}})',
        '_log.info("m", extra={"fields": {**values}})',
        '_log.info("m", exc_info=True)',
    ],
)
def test_a_call_whose_event_cannot_be_listed_is_refused(call: str) -> None:
    with pytest.raises(Unreadable):
        list(events_of(LOGGER + call))
