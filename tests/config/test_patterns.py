"""Patterns over names: what they match, which are refused, and that none keeps the exporter busy."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.patterns import NAME_CHARACTERS, compiled, matches, trouble
from tests.config.speed import ANY_SPEED

ATOMS = st.sampled_from(["a", ".", "[ab]", "(a)", r"\w", "x{2}"])
COUNTS = st.sampled_from(["", "*", "+", "?", "{2}", "{0,3}", "{,2}", "{2,}", "*?", "+?", "*+"])
PATTERNS = st.recursive(
    st.lists(st.tuples(ATOMS.filter(lambda atom: "{" not in atom), COUNTS).map("".join), min_size=1, max_size=5).map(
        "".join
    ),
    lambda inner: st.lists(
        st.tuples(inner.map(lambda text: f"({text})"), COUNTS).map("".join) | inner, min_size=1, max_size=3
    ).map(lambda parts: "".join(parts) if len(parts) % 2 else "|".join(parts)),
    max_leaves=6,
)
MISSED_BY_ONE = ("a" * NAME_CHARACTERS, "a" * (NAME_CHARACTERS - 1) + "!", "ab" * (NAME_CHARACTERS // 2))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Orders", "Orders", True),
        ("Orders", "Orders to ERP", False),
        ("Orders", "My Orders", False),
        ("Orders.*", "Orders to ERP", True),
        ("orders.*", "Orders", False),
        ("(?i)orders.*", "ORDERS", True),
        (".*", "Two\nlines", True),
        (".*", "", True),
        ("a|b", "b", True),
        (r"C:\\x", "C:\\x", True),
        ("Größe.*", "Größenwechsel", True),
    ],
)
def test_a_pattern_matches_the_whole_name(text: str, name: str, *, expected: bool) -> None:
    assert trouble(text) is None
    assert matches(compiled(text), name) is expected


def test_only_the_first_two_hundred_characters_of_a_name_are_looked_at() -> None:
    name = "a" * NAME_CHARACTERS + "b"
    assert matches(compiled("a+"), name)
    assert not matches(compiled("a+b"), name)


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+b", "(a*)*", "(a|b)*", "(a|aa)+$", "(.*a){20}", "(a?){50}", "a?" * 40 + "a" * 40, "(a|a)" * 40 + "b",
        ".*a.*b.*c.*", ".*.*.*.*.*x", "((a+b?)+c)*", "(?:a+)+", "(?i)(a+)+", "(a+)+?", "[(](a+)+", r"\((a+)+",
    ],
)  # fmt: skip
def test_a_pattern_that_could_take_forever_is_refused(text: str) -> None:
    assert "very long" in (trouble(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        ".*orders.*", ".*a.*b.*", "(EU|US|UK) .*", "((EU|US) )?orders.*", "(ab)*", "[a-z]+-[0-9]{2,4}(-x)?", r"(a)\1",
        "[+*?]{3}", "[]a]+", "[^]+]*", r"\++\*+", "a{x}", "a{}", "(?:ab){2,3}", "(a(b(c)))+", "x*+",
    ],
)  # fmt: skip
def test_a_pattern_that_people_write_is_taken(text: str) -> None:
    assert trouble(text) is None


@pytest.mark.parametrize("text", ["(?=a)b", "(?!a).*", "(?<=a)b", "(?P<n>a)", "(?x)a", "(?#a)b", "(?>a+)+", "(?s)a"])
def test_a_group_whose_cost_nobody_counts_is_refused(text: str) -> None:
    assert trouble(text) == "only the groups (...) and (?:...), and (?i) at the start, are supported"


@ANY_SPEED
@example("(a|a)" * 23)
@example(".*.*.*")
@example("a?" * 23)
@given(PATTERNS)
def test_a_pattern_that_is_taken_is_done_with_a_name_in_seconds(text: str) -> None:
    """The bound is far above what the worst patterns take and far below what one that explodes takes."""
    if trouble(text) is None:
        started = time.process_time()
        for name in MISSED_BY_ONE:
            matches(compiled(text + "z"), name)
        assert time.process_time() - started < 30


@ANY_SPEED
@given(st.text("ab(|)*+?{},123[]^\\.", max_size=30))
def test_any_text_is_a_pattern_that_works_or_has_its_trouble_in_one_line(text: str) -> None:
    said = trouble(text)
    if said is None:
        assert matches(compiled(text), "abab") is (re.fullmatch(text, "abab", re.DOTALL) is not None)
    else:
        assert said.isprintable()
        assert len(said) < 120
