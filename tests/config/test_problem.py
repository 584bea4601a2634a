"""What a message about settings may repeat, and how it stays one line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.problem import (
    HIDDEN,
    ConfigError,
    looks_like_token,
    named,
    names_secret,
    printable,
    shown,
    suggestion,
    without_tokens,
)
from tests.config.speed import ANY_SPEED

TOKENS = {
    "hexadecimal": "0123456789abcdef0123456789abcdef",
    "upper case": "0123456789ABCDEF0123456789ABCDEF",
    "uuid": "b0a1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d",
    "base64": "bG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQ=",
    "letters of both cases": "AbCdEfGhIjKlMnOpQrStUvWx",
    "json web token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwcm9iZXIifQ.c2lnbmF0dXJl",
    "prefixed": "sk_live_4f1c0a9b8d7e6f5a4b3c",
    "within text": 'Bearer 0123456789abcdef0123456789abcdef"',
}
WORDS = (
    "eu",
    "",
    "my-production-account",
    "ACME_PRODUCTION_INTEGRATOR_TOKEN",
    "--web.listen-address",
    "/run/secrets/acme",
)


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_what_may_be_a_token_is_shown_neither_as_value_nor_as_key(token: str) -> None:
    assert looks_like_token(token)
    assert shown(token) == HIDDEN
    assert named(token) == "(not shown)"
    assert "***" in without_tokens(token)


@pytest.mark.parametrize("word", WORDS)
def test_words_of_people_are_shown(word: str) -> None:
    assert not looks_like_token(word)
    assert shown(word) == f'"{word}"'
    assert named(word) == f"`{word}`"
    assert without_tokens(word) == word


@pytest.mark.parametrize(
    "name", ["token", "api_token", "tokens", "apikey", "api_key", "client_secret", "Password", "bearer"]
)
def test_names_that_lead_to_a_token_are_known(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["name", "region", "interval", "pages"])
def test_other_names_are_not_taken_for_it(name: str) -> None:
    assert not names_secret(name)


def test_long_values_are_cut() -> None:
    assert shown("ab " * 100) == '"' + ("ab " * 20) + '..."'
    assert named("ab " * 100) == "`" + ("ab " * 20) + "...`"


@ANY_SPEED
@example("\ud800\n\u2028")
@given(st.text() | st.text(st.characters(codec=None), max_size=20))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text).splitlines()) <= 1
    printable(text).encode()


@ANY_SPEED
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("no"), "no"),
        (ConfigError("no", source="a.yml"), "a.yml: no"),
        (ConfigError("no", source="a.yml", line=3), "a.yml:3: no"),
        (ConfigError("no", source="a.yml", line=3, key="limits.pages"), "a.yml:3: limits.pages: no"),
        (ConfigError("no", source="environment", key="CELIGO_REGION"), "environment: CELIGO_REGION: no"),
        (ConfigError("no\nway", source="a\nb.yml"), "a\\nb.yml: no\\nway"),
    ],
    ids=str,
)
def test_an_error_is_place_key_and_problem_on_one_line(error: ConfigError, line: str) -> None:
    assert str(error) == line


@pytest.mark.parametrize(
    ("slip", "answer"),
    [
        ("regoin", " did you mean `region`?"),
        ("intervall", " did you mean `interval`?"),
        ("prometheus", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
    ids=["swapped", "doubled", "other", "empty", "huge"],
)
def test_a_slip_gets_a_suggestion_and_another_word_does_not(slip: str, answer: str) -> None:
    assert suggestion(slip, ("region", "interval", "name")) == answer
