"""The renderer writes the very bytes that prometheus-client would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.expose import catalogue
from exporter.expose.families import Distribution, Family, Metric, Scope
from exporter.expose.render import Format, header, lines, number
from tests.expose.kit import ACME, NUMBERS, TEXTS, every_family, families, go_number, library, ours

FORMATS = pytest.mark.parametrize("fmt", list(Format), ids=lambda fmt: fmt.name.lower())
FLOW = Metric("celigo_thing", "gauge", "A thing.", "nowhere", ("flow_id",))
PAIR = Metric("celigo_pair", "gauge", "A pair.", "nowhere", ("zebra", "ant"))
WAIT = Metric("celigo_wait_seconds", "histogram", "A wait.", "nowhere", ("flow_id",), buckets=(0.5, 60.0))


@FORMATS
@given(held=st.lists(families(), max_size=3), scope=st.none() | st.builds(Scope, TEXTS, TEXTS))
def test_any_families_render_as_the_library_renders_them(fmt: Format, held: list[Family], scope: Scope | None) -> None:
    assert ours(held, fmt, scope) == library(held, fmt, scope)


@FORMATS
def test_every_family_of_the_catalogue_renders_as_the_library_renders_it(fmt: Format) -> None:
    held = list(every_family())
    assert ours(held, fmt) == library(held, fmt)


@given(NUMBERS)
def test_any_number_is_written_as_the_library_writes_it(value: float) -> None:
    assert number(value) == go_number(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (-0.0, "-0.0"),
        (1, "1.0"),
        (0.1, "0.1"),
        (999999.0, "999999.0"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (1788000000.25, "1.78800000025e+09"),
        (-1234567.0, "-1234567.0"),
        (1e15, "1e+15"),
        (1e16, "1e+16"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
    ids=str,
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert number(value) == text == go_number(value)


@given(st.lists(families(), max_size=4))
def test_both_formats_share_their_sample_lines(held: list[Family]) -> None:
    samples = [[line for line in library(held, fmt).split(b"\n") if not line.startswith(b"#")] for fmt in Format]
    assert samples[0] == samples[1]


def test_labels_stand_in_the_order_of_their_names() -> None:
    text = lines(Family(PAIR, {("stripes", "legs"): 2.0}), ACME)
    assert text == b'celigo_pair{account="acme",ant="legs",environment="production",zebra="stripes"} 2.0\n'


def test_without_labels_there_are_no_braces() -> None:
    metric = Metric("celigo_one", "gauge", "One.", "nowhere", scoped=False)
    assert lines(Family(metric, {(): 1.0}), ACME) == b"celigo_one 1.0\n"


def test_a_family_without_series_has_no_lines() -> None:
    assert lines(Family(FLOW, {}), ACME) == b""
    assert lines(Family(WAIT, {}), ACME) == b""


def test_a_histogram_has_its_buckets_the_infinite_one_count_and_sum() -> None:
    text = lines(Family(WAIT, {("x",): Distribution((1, 2), 61.5, 3)}), None)
    assert text.decode().splitlines() == [
        'celigo_wait_seconds_bucket{flow_id="x",le="0.5"} 1.0',
        'celigo_wait_seconds_bucket{flow_id="x",le="60.0"} 2.0',
        'celigo_wait_seconds_bucket{flow_id="x",le="+Inf"} 3.0',
        'celigo_wait_seconds_count{flow_id="x"} 3.0',
        'celigo_wait_seconds_sum{flow_id="x"} 61.5',
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('say "hi"', rb"say \"hi\""),
        ("back\\slash", rb"back\\slash"),
        ("two\nlines", rb"two\nlines"),
        ("\\n", rb"\\n"),
        ('"} 1\nceligo_up 0 # ', rb"\"} 1\nceligo_up 0 # "),
        ("100 % of %s %(x)d {0} {x}", b"100 % of %s %(x)d {0} {x}"),
        ("\r\t\x00\x1b[31m", b"\r\t\x00\x1b[31m"),
        ("Grüße 漢字 🚚 \u202e", "Grüße 漢字 🚚 \u202e".encode()),
        ("", b""),
        ("half \ud83d of a pair", b"half ? of a pair"),
        ("x" * 10_000, b"x" * 10_000),
    ],
    ids=["quotes", "backslash", "newline", "written-newline", "injection", "templates", "control", "unicode", "empty",
         "surrogate", "long"],
)  # fmt: skip
def test_a_hostile_label_value_stays_inside_its_quotes(value: str, written: bytes) -> None:
    family = Family(FLOW, {(value,): 1.0})
    assert lines(family, None) == b'celigo_thing{flow_id="' + written + b'"} 1.0\n'
    scope = Scope(value, value)
    assert lines(Family(FLOW, {("x",): 1.0}), scope) == (
        b'celigo_thing{account="' + written + b'",environment="' + written + b'",flow_id="x"} 1.0\n'
    )


def test_help_is_escaped_as_each_format_wants_it() -> None:
    metric = Metric("celigo_odd_total", "counter", 'A "back\\slash"\nand more.', "nowhere")
    assert header(metric, Format.TEXT) == (
        b'# HELP celigo_odd_total A "back\\\\slash"\\nand more. From nowhere.\n# TYPE celigo_odd_total counter\n'
    )
    assert header(metric, Format.OPENMETRICS) == (
        b'# HELP celigo_odd A \\"back\\\\slash\\"\\nand more. From nowhere.\n# TYPE celigo_odd counter\n'
    )


def test_help_says_what_is_counted_and_from_which_call() -> None:
    text = header(catalogue.FLOW_ENABLED, Format.TEXT)
    assert text.startswith(
        b"# HELP celigo_flow_enabled Whether the flow is enabled (1) or disabled (0). From GET /v1/flows.\n"
    )


@pytest.mark.parametrize("key", [(), ("a", "b")], ids=["too-few", "too-many"])
def test_a_key_that_does_not_fit_the_labels_is_refused(key: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="celigo_thing"):
        lines(Family(FLOW, {key: 1.0}), ACME)


@pytest.mark.parametrize("counts", [(1,), (1, 2, 3)], ids=["too-few", "too-many"])
def test_a_distribution_that_does_not_fit_the_buckets_is_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        lines(Family(WAIT, {("x",): Distribution(counts, 1.0, 3)}), ACME)


def test_a_value_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(TypeError):
        lines(Family(WAIT, {("x",): 1.0}), ACME)
    with pytest.raises(TypeError):
        lines(Family(FLOW, {("x",): Distribution((1, 2), 1.0, 3)}), ACME)


def test_only_openmetrics_says_where_it_ends() -> None:
    assert Format.OPENMETRICS.end == b"# EOF\n"
    assert Format.TEXT.end == b""


def test_the_content_types_are_those_of_the_library() -> None:
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

    assert (Format.TEXT.content_type, Format.OPENMETRICS.content_type) == (
        CONTENT_TYPE_PLAIN_0_0_4,
        CONTENT_TYPE_LATEST,
    )
