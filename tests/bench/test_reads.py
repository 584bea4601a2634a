"""The past of what the boards look back at: who has one and when, and that counters counted in it."""

import itertools
from collections.abc import Mapping

import pytest
from promql_parser import VectorSelector, parse

from tests.bench import growth
from tests.bench.reads import Reads, labels_of, matches, written
from tests.dashboards.source import Request

NOW = 1_780_000_030
SCRAPED = NOW - 100
HOUR = 3600


def reads(query: str, *, hours: int = 0) -> Reads:
    """What a query reads about the present, or for a line over some hours."""
    line = {"start": str(NOW - 30 - hours * HOUR), "end": str(NOW - 30), "step": "300"}
    found = Reads(NOW, SCRAPED)
    found.add(Request("query_range" if hours else "query", line if hours else {}, query))
    return found


def ago(found: Reads, **labels: str) -> list[int]:
    """How many seconds ago the series `x` with these labels is read."""
    return [NOW - moment for moment in reversed(found.moments("x", labels))]


def test_the_present_is_scraped_and_needs_no_past() -> None:
    assert ago(reads("sum(x)")) == []


def test_a_line_needs_a_sample_a_minute_however_wide_its_steps() -> None:
    minutes = ago(reads("x", hours=1))
    assert minutes == list(range(120, HOUR + 121, 60))


def test_a_rate_needs_those_before_its_line_too() -> None:
    assert max(ago(reads("rate(x[10m])", hours=1))) >= HOUR + 9 * 60
    assert max(ago(reads("increase(x[24h])"))) == 24 * HOUR - 60


def test_what_is_fixed_to_the_end_of_a_line_is_of_the_present() -> None:
    assert ago(reads("x @ end()", hours=6)) == []
    assert max(ago(reads("rate(x[10m] @ end())", hours=6))) < 600


def test_a_trouble_of_now_has_lasted_for_hours_not_for_days() -> None:
    moments = reads("ALERTS + x", hours=48).moments("ALERTS", {})
    assert NOW - min(moments) <= 6 * HOUR


def test_samples_older_than_a_day_are_fewer_but_never_so_few_that_prometheus_misses_them() -> None:
    minutes = ago(reads("x", hours=48))
    gaps = {later - sooner for sooner, later in itertools.pairwise(minutes)}
    assert gaps == {60, 240}


def test_only_series_that_the_selector_chooses_have_a_past() -> None:
    found = reads('x{flow_id=~"a|b", status!="ok"}', hours=1)
    assert ago(found, flow_id="a", status="failed")
    assert not ago(found, flow_id="a", status="ok")
    assert not ago(found, flow_id="c", status="failed")


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        ('x{a="1"}', {"a": "1"}, True),
        ('x{a="1"}', {}, False),
        ('x{a=""}', {}, True),
        ('x{a=~"1.*"}', {"a": "12"}, True),
        ('x{a=~"1"}', {"a": "12"}, False),
        ('x{a=~".*"}', {"a": "two\nlines"}, True),
        ('x{a!~"1.*"}', {"a": "12"}, False),
        ('x{a!~"1.*", b!="2"}', {"b": "3"}, True),
    ],
)
def test_a_selector_chooses_as_in_prometheus(selector: str, labels: Mapping[str, str], chosen: bool) -> None:
    parsed = parse(selector)
    assert isinstance(parsed, VectorSelector)
    assert matches(parsed, labels) is chosen


def test_labels_are_written_so_that_they_can_be_read_again() -> None:
    labels = {"a": 'say "hi"\\\n', "b": "é → ü, {x}"}
    assert labels_of(written({"__name__": "celigo:x", **labels})) == labels


def test_counters_have_grown_and_nothing_else_has() -> None:
    document = [
        'celigo_flow_runs_total{flow_id="f",status="completed"} 4.0',
        'celigo_run_seconds_bucket{le="+Inf"} 2.0',
        'celigo_flow_enabled{flow_id="f"} 1.0',
        "# EOF",
    ]
    runs, bucket, *others = growth.after("\n".join(document))
    assert others == document[2:]
    for line, before in ((runs, 4.0), (bucket, 2.0)):
        labels, _, newest = line.rpartition(" ")
        then = growth.grown(labels, newest)
        values = [float(then(age)) for age in (growth.PAST, 6 * HOUR, HOUR, 0)]
        assert values == sorted(values)
        assert (values[0], values[-1]) == (before, float(newest))
        assert values[-1] > values[-2]


def test_the_past_of_a_scraped_series_has_the_labels_that_prometheus_gives_it() -> None:
    found = reads("celigo_up + celigo:up", hours=1)
    document = ['celigo_up{account="a"} 1.0', 'celigo:up{account="a"} 1.0', 'celigo_other{account="a"} 1.0']
    lines = list(found.past(document, 'job="celigo"'))
    assert [labels for labels, _, _ in lines] == ['celigo_up{account="a",job="celigo"}', 'celigo:up{account="a"}']


def test_a_document_that_was_kept_is_told_as_if_it_were_of_now() -> None:
    document = """# HELP celigo_exporter_snapshot_timestamp_seconds When
celigo_exporter_snapshot_timestamp_seconds{account="a"} 1000.0
celigo_flow_next_expected_run_timestamp_seconds{flow_id="f"} 1250.5
celigo_flow_enabled{flow_id="f"} 1.0
"""
    _, built, expected, enabled = growth.as_of(document, 5000).splitlines()
    assert built.endswith(" 5000")
    assert expected.endswith(" 5250.5")
    assert enabled.endswith(" 1.0")
