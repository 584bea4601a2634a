"""What a schedule string means, and which ones are refused."""

import pytest

from exporter.schedule import REASONS, Reason, Schedule, UnreadableSchedule, read_schedule


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("? 5 0 ? * *", "0 5 0 * * *"),
        ("? 0,15,30,45 * ? * *", "0 0,15,30,45 * * * *"),
        ("? 5 9 ? * 1,2,3,4,5", "0 5 9 * * 1,2,3,4,5"),
        ("0 5 0 ? * *", "0 5 0 * * *"),
        ("00 05 00 ? * *", "0 5 0 * * *"),
        ("  ?\t5   0 ? * *\n", "0 5 0 * * *"),
        ("? ? ? ? ? ?", "0 * * * * *"),
        ("? */20 * * * *", "0 0,20,40 * * * *"),
        ("? 50/4 * * * *", "0 50,54,58 * * * *"),
        ("? 10-20/5 * * * *", "0 10,15,20 * * * *"),
        ("? 5,3,5,3-4 * * * *", "0 3,4,5 * * * *"),
        ("? 5,* * * * *", "0 * * * * *"),
        ("? 0-59 0-23 1-31 1-12 0-6", "0 * * * * *"),
        ("? */60 */24 */31 */12 */7", "0 0 0 1 1 0"),
        ("? 0 22/1 * * *", "0 0 22,23 * * *"),
        ("? 0 0 10/10 * *", "0 0 0 10,20,30 * *"),
        ("? 0 0 1 JAN *", "0 0 0 1 1 *"),
        ("? 0 0 1 jun-Aug *", "0 0 0 1 6,7,8 *"),
        ("? 0 0 1 DEC,feb/5 *", "0 0 0 1 2,7,12 *"),
        ("? 0 0 1 JAN-JUN/2 *", "0 0 0 1 1,3,5 *"),
        ("? 0 0 ? * MON-FRI", "0 0 0 * * 1,2,3,4,5"),
        ("? 0 0 ? * sat,Sun", "0 0 0 * * 0,6"),
        ("? 0 0 ? * 0", "0 0 0 * * 0"),
        ("? 0 0 ? * 7", "0 0 0 * * 0"),
        ("? 0 0 ? * 7-7", "0 0 0 * * 0"),
        ("? 0 0 ? * FRI-SUN", "0 0 0 * * 0,5,6"),
        ("? 0 0 ? * 5-7", "0 0 0 * * 0,5,6"),
        ("? 0 0 ? * 5-0", "0 0 0 * * 0,5,6"),
        ("? 0 0 ? * 0-7", "0 0 0 * * *"),
        ("? 0 0 ? * 7-2", "0 0 0 * * 0,1,2"),
        ("? 0 0 ? * 7/2", "0 0 0 * * 0,2,4,6"),
        ("? 0 0 ? * 1-7/3", "0 0 0 * * 0,1,4"),
        ("? 0 0 ? * 3/2", "0 0 0 * * 3,5"),
        ("? 0 0 13 * FRI", "0 0 0 13 * 5"),
        ("? 0 0 29 2 ?", "0 0 0 29 2 *"),
        ("? 0 0 31 2,3 ?", "0 0 0 31 2,3 *"),
        ("? 0 0 31 2 MON", "0 0 0 31 2 1"),
    ],
)
def test_a_schedule_means_the_numbers_of_its_fields(text: str, expression: str) -> None:
    assert read_schedule(text, None).expression == expression


UNREADABLE: list[tuple[object, Reason]] = [
    (None, "not_text"),
    (5, "not_text"),
    (b"? 5 0 ? * *", "not_text"),
    (["?", "5", "0", "?", "*", "*"], "not_text"),
    ({"cron": "? 5 0 ? * *", "frequency": "daily"}, "not_text"),
    ("", "fields"),
    ("   ", "fields"),
    ("@daily", "fields"),
    ("5 0 * * *", "fields"),
    ("? 5 0 ? * * 2026", "fields"),
    ("? " + "0," * 98 + "0 * ? * *", "length"),
    ("* 5 0 ? * *", "seconds"),
    ("1 5 0 ? * *", "seconds"),
    ("000 5 0 ? * *", "seconds"),
    ("?/2 5 0 ? * *", "seconds"),
    ("? 60 0 ? * *", "minute"),
    ("? -1 0 ? * *", "minute"),
    ("? 5, 0 ? * *", "minute"),
    ("? , 0 ? * *", "minute"),
    ("? 5- 0 ? * *", "minute"),
    ("? 5-7-9 0 ? * *", "minute"),
    ("? *-5 0 ? * *", "minute"),
    ("? ** 0 ? * *", "minute"),
    ("? ?,5 0 ? * *", "minute"),
    ("? ?/5 0 ? * *", "minute"),
    ("? */0 0 ? * *", "minute"),
    ("? */61 0 ? * *", "minute"),
    ("? */90 0 ? * *", "minute"),
    ("? */ 0 ? * *", "minute"),
    ("? */5/2 0 ? * *", "minute"),
    ("? 20-10 0 ? * *", "minute"),
    ("? 005 0 ? * *", "minute"),
    ("? 5.5 0 ? * *", "minute"),
    ("? MON 0 ? * *", "minute"),
    ("? \u0665 0 ? * *", "minute"),
    ("? 0 24 ? * *", "hour"),
    ("? 0 22-2 ? * *", "hour"),
    ("? 0 */25 ? * *", "hour"),
    ("? 0 0 0 * *", "day"),
    ("? 0 0 32 * *", "day"),
    ("? 0 0 L * *", "day"),
    ("? 0 0 15W * *", "day"),
    ("? 0 0 1 0 *", "month"),
    ("? 0 0 1 13 *", "month"),
    ("? 0 0 1 JANUARY *", "month"),
    ("? 0 0 1 MON *", "month"),
    ("? 0 0 1 NOV-FEB *", "month"),
    ("? 0 0 ? * 8", "weekday"),
    ("? 0 0 ? * FRI-MON", "weekday"),
    ("? 0 0 ? * 5L", "weekday"),
    ("? 0 0 ? * MON#2", "weekday"),
    ("? 0 0 ? * \u017fat", "weekday"),
    ("? 0 0 ? * */8", "weekday"),
    ("? 0 0 31 2 ?", "never"),
    ("? 0 0 30,31 FEB *", "never"),
    ("? 0 0 31 4,6,9,11 0-6", "never"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE, ids=[f"{reason}: {text}"[:40] for text, reason in UNREADABLE])
def test_what_is_no_schedule_or_has_more_than_one_reading_is_refused_with_its_part(
    text: object, reason: Reason
) -> None:
    with pytest.raises(UnreadableSchedule) as refused:
        read_schedule(text, None)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "zone",
    [
        "Mars/Olympus",
        "europe/berlin/",
        "../UTC",
        "Europe/../UTC",
        "/usr/share/zoneinfo/UTC",
        "America",
        "zone.tab",
        "posix/UTC",
        "right/UTC",
        "localtime",
        " UTC",
        "UTC\n",
        "UTC\0",
        "+02:00",
        "\udc80",
        "A" * 5000,
    ],
    ids=lambda zone: repr(zone)[:30],
)
def test_what_is_no_zone_is_refused_as_one(zone: str) -> None:
    with pytest.raises(UnreadableSchedule) as refused:
        read_schedule("? 5 0 ? * *", zone)
    assert refused.value.reason == "zone"


def test_the_refusals_above_show_every_reason() -> None:
    assert {reason for _, reason in UNREADABLE} | {"zone"} == set(REASONS)


def test_a_refusal_shows_nothing_of_the_text_or_the_zone() -> None:
    for text, zone in (("? 5 0 ? * secret", None), ("? 5 0 ? * *", "secret")):
        with pytest.raises(UnreadableSchedule) as refused:
            read_schedule(text, zone)
        assert "secret" not in f"{refused.value!r} {refused.value.__cause__!r}"


@pytest.mark.parametrize("zone", [None, "", "UTC"])
def test_without_a_zone_a_schedule_is_in_utc(zone: str | None) -> None:
    assert read_schedule("? 5 0 ? * *", zone) == read_schedule("? 5 0 ? * *", "UTC")


def test_schedules_that_mean_the_same_are_one_key() -> None:
    texts = ("? 0,15,30,45 * ? * *", "00 */15 0-23 * ? 0-6", "0 0/15 * 1-31 JAN-DEC sun-sat")
    assert {read_schedule(text, "Europe/Berlin"): text for text in texts}.keys() == {
        Schedule("0 0,15,30,45 * * * *", "Europe/Berlin")
    }


def test_the_same_fields_in_another_zone_are_another_schedule() -> None:
    assert read_schedule("? 5 0 ? * *", "Europe/Berlin") != read_schedule("? 5 0 ? * *", "Europe/Paris")


@pytest.mark.parametrize(
    ("hours", "around"), [("*", True), ("?", True), ("0-23", True), ("*/1", True), ("0-22", False), ("5", False)]
)
def test_a_schedule_goes_around_the_clock_when_it_leaves_out_no_hour(hours: str, around: bool) -> None:
    assert read_schedule(f"? 0 {hours} ? * *", None).around_the_clock is around
