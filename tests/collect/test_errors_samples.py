"""What records are like, within closed enumerations and bounds."""

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collect.samples import (
    CLASSIFICATIONS,
    SOURCES,
    Sample,
    classification_label,
    code_label,
    most_frequent,
    sample_of,
    source_label,
    summed,
)
from tests.clocks import EPOCH
from tests.collect.errors_kit import record


@pytest.mark.parametrize(
    ("value", "label"),
    [
        *((name, name) for name in CLASSIFICATIONS),
        (None, "none"),
        ("", "none"),
        ("  ", "none"),
        ("Value", "value"),
        ("rateLimit", "rate_limit"),
        ("Rate limit", "rate_limit"),
        ("rate-limit", "rate_limit"),
        ("ratelimit", "rate_limit"),
        ("tooLarge", "too_large"),
        ("TOO_LARGE", "too_large"),
        ("brand new", "other"),
        ("someone@example.com", "other"),
    ],
)
def test_a_classification_is_one_of_a_closed_list(value: str | None, label: str) -> None:
    assert classification_label(value) == label


@pytest.mark.parametrize(
    ("value", "label"),
    [*((name, name) for name in SOURCES), (None, "other"), ("", "other"), ("new_hook", "other"), ("Lookup", "other")],
)
def test_a_source_is_one_of_a_closed_list(value: str | None, label: str) -> None:
    assert source_label(value) == label


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("FIELD_VALIDATION_ERROR", "FIELD_VALIDATION_ERROR"),
        ("DUPLICATE_RECORD", "DUPLICATE_RECORD"),
        ("422", "422"),
        (422, "422"),
        ("SSS_REQUEST_LIMIT.EXCEEDED", "SSS_REQUEST_LIMIT.EXCEEDED"),
        ("ORA-00942", "ORA-00942"),
        (" 500 ", "500"),
        (None, "none"),
        ("", "none"),
        ("   ", "none"),
        ("Invalid customer reference", "other"),
        ("someone@example.com", "other"),
        ("https://example.com/x", "other"),
        ("8841203377120045", "other"),
        (1788000000000, "other"),
        ("6512aa00bb11cc22dd33ee01", "other"),
        ("123e4567-e89b-12d3-a456-426614174000", "other"),
        ("X" * 65, "other"),
        ('a"b', "other"),
        ("a\nb", "other"),
        ("ключ", "other"),
    ],
)
def test_a_code_becomes_a_label_only_when_it_looks_like_one(value: str | int | None, label: str) -> None:
    assert code_label(value) == label


@settings(deadline=None)
@given(st.one_of(st.none(), st.integers(), st.text()))
def test_no_code_whatsoever_makes_a_label_of_another_form(value: str | int | None) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.:\-]{1,64}", code_label(value))


@pytest.mark.parametrize(
    ("counts", "bound", "expected"),
    [
        ({}, 2, {}),
        ({"a": 1}, 2, {"a": 1}),
        ({"a": 1, "b": 2, "c": 3}, 2, {"c": 3, "b": 2, "other": 1}),
        ({"b": 1, "a": 1, "c": 1}, 2, {"a": 1, "b": 1, "other": 1}),
        ({"other": 5, "a": 1}, 2, {"a": 1, "other": 5}),
        ({"other": 5, "a": 2, "b": 1}, 1, {"a": 2, "other": 6}),
        ({"a": 3}, 0, {"other": 3}),
    ],
    ids=["nothing", "fits", "folded", "ties-by-name", "other-is-no-code", "both", "no-room"],
)
def test_the_most_frequent_stay_and_the_rest_is_one(
    counts: dict[str, int], bound: int, expected: dict[str, int]
) -> None:
    assert most_frequent(counts, bound) == expected


@settings(deadline=None)
@given(st.dictionaries(st.text("abcdef", max_size=3), st.integers(1, 50)), st.integers(0, 5))
def test_folding_loses_no_error_and_keeps_the_bound(counts: dict[str, int], bound: int) -> None:
    folded = most_frequent(counts, bound)
    assert sum(folded.values()) == sum(counts.values())
    assert len(folded) <= bound + 1


def test_a_sample_counts_by_class_source_and_code() -> None:
    records = [
        record("1", -50, classification="missing", source="lookup", code="A"),
        record("2", -60, classification=None, source="strange", code=None),
        record("3", -10, classification="missing", source="lookup", code="A"),
    ]
    sample = sample_of(records, complete=True)
    assert (sample.read, sample.complete, sample.oldest) == (3, True, EPOCH - 60)
    assert sample.classifications == {"missing": 2, "none": 1}
    assert sample.sources == {"lookup": 2, "other": 1}
    assert sample.codes == {"A": 2, "none": 1}


def test_a_cut_sample_does_not_know_the_oldest() -> None:
    assert sample_of([record("1", -50)], complete=False).oldest is None


def test_an_empty_sample_has_no_oldest() -> None:
    assert sample_of([], complete=True).oldest is None


def test_a_sample_keeps_instants_in_order_and_how_many_are_assigned() -> None:
    sample = sample_of(
        [
            record("1", -50, purge=60, assigned=True),
            record("2", None, purge=30),
            record("3", -90, assigned=False),
        ],
        complete=True,
    )
    assert list(sample.occurred) == [EPOCH - 90, EPOCH - 50]
    assert list(sample.purges) == [EPOCH + 30, EPOCH + 60]
    assert (sample.assigned, sample.oldest) == (1, None)


def test_a_sample_in_which_no_record_tells_an_assignment_knows_of_none() -> None:
    assert sample_of([record("1"), record("2")], complete=True).assigned is None


def test_what_a_sample_keeps_of_a_record_are_two_instants() -> None:
    """Five million errors in a thousand steps, which the default caps allow, fit into a hundred megabytes."""
    few, many = (
        sample_of([record(str(n), -n, purge=n, assigned=True, code=f"C{n % 20}") for n in range(count)], complete=True)
        for count in (100, 5000)
    )
    assert size_of(many) - size_of(few) <= 4900 * 17


def size_of(sample: Sample) -> int:
    """Bytes held by a sample, its containers and their members."""
    parts = [getattr(sample, name) for name in Sample.__slots__]
    members = [member for part in parts if isinstance(part, dict) for pair in part.items() for member in pair]
    return sum(sys.getsizeof(part) for part in (sample, *parts, *members))


def test_codes_kept_of_one_step_are_bounded() -> None:
    sample = sample_of([record(str(number), code=f"C{number}") for number in range(1000)], complete=True)
    assert len(sample.codes) == 201
    assert sum(sample.codes.values()) == 1000


def test_counts_add_up_by_name() -> None:
    assert summed([{"a": 1, "b": 2}, {}, {"a": 3}]) == {"a": 4, "b": 2}
