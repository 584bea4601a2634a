"""Whatever a file holds: settings or one line, and never a token."""

import json
import string
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.accounts import _KEYS as ACCOUNT_KEYS  # the real keys, so that values reach every reader
from exporter.config.keys import COLLECTORS, FILTERS, FLOW_FILTER, LIMITS, MATCH, OWNER, RATE_LIMIT
from exporter.config.load import parse_settings
from exporter.config.problem import ConfigError
from exporter.config.settings import Settings
from tests.config.places import ENVIRON, MINIMAL
from tests.config.speed import ANY_SPEED

NAMES = sorted(
    {"accounts", "collectors", "limits", "token", "password", "profile", "filters", "flows", "ownership", "match"}
    | {*ACCOUNT_KEYS, *COLLECTORS}
    | {
        key.name
        for keys in (*COLLECTORS.values(), LIMITS, RATE_LIMIT, FILTERS, FLOW_FILTER, MATCH, OWNER)
        for key in keys
    }
    | {"url", "lease", "key_prefix", "password_env"}
)
WORDS = st.sampled_from(
    ["eu", "ACME_TOKEN", "30s", "64MiB", "true", "no", "https://api.integrator.io", "", "\ud800", "a\nb"]
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
TOKENS = st.text(string.hexdigits, min_size=32, max_size=64).filter(lambda text: any(map(str.isdigit, text)))
YAML_TEXT = st.text("ab1:-,[]{}&*!|>'\"%@`#?~ \n\t\\<=.", max_size=80)


def outcome(text: str) -> Settings | str:
    """Settings, or the one line of a ConfigError; anything else that is raised fails the test."""
    try:
        return parse_settings(text, "celigo.yml", ENVIRON)
    except ConfigError as error:
        line = str(error)
        assert line.isprintable()
        assert line.startswith("celigo.yml:")
        assert len(line) < 600
        return line


@ANY_SPEED
@example("%YAML 1.1\n--- !!map {}\n")
@example("? ? ? a")
@example("&a [*a]")
@example("a: &x b\n*x : c")
@given(st.text(max_size=200) | YAML_TEXT | YAML_TEXT.map(lambda text: MINIMAL + text))
def test_any_text_is_settings_or_one_line(text: str) -> None:
    outcome(text)


@ANY_SPEED
@given(VALUES)
def test_any_values_are_settings_or_one_line(value: Any) -> None:
    outcome(json.dumps(value))


@ANY_SPEED
@given(st.dictionaries(st.sampled_from(ACCOUNT_KEYS), VALUES), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_values_under_the_known_keys_are_settings_or_one_line(
    account: dict[str, Any], limits: dict[str, Any]
) -> None:
    outcome(json.dumps({"accounts": [{"name": "acme", **account}], "limits": limits}))


@ANY_SPEED
@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_filters_and_ownership_are_settings_or_one_line(filters: dict[str, Any], owner: dict[str, Any]) -> None:
    accounts = [{"name": "acme", "token_env": "ACME_TOKEN"}]
    outcome(json.dumps({"accounts": accounts, "filters": filters, "ownership": [owner]}))


def planted(value: Any, token: str, draw: st.DrawFn) -> Any:
    """`value` with the token somewhere: a value, a part of one, or a key."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: planted(value[name], token, draw)}
    if isinstance(value, list) and value:
        place = draw(st.integers(0, len(value) - 1))
        return [planted(item, token, draw) if index == place else item for index, item in enumerate(value)]
    return draw(st.sampled_from([token, f"Bearer {token}", [token], {token: value}, {"token": token}]))


@st.composite
def files_with_a_token(draw: st.DrawFn) -> tuple[str, str]:
    token = draw(TOKENS)
    account = draw(st.dictionaries(st.sampled_from(ACCOUNT_KEYS), WORDS, min_size=1))
    whole = {"accounts": [{"name": "acme", **account}], "limits": draw(VALUES), "collectors": draw(VALUES)}
    whole |= {"filters": draw(VALUES), "ownership": draw(VALUES)}
    text = json.dumps(planted(whole, token, draw))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.sampled_from(["\n", "*", "]", '"', "!", "%"])) + text[cut:]
    return text, token


@ANY_SPEED
@given(files_with_a_token())
def test_a_token_anywhere_in_a_file_is_never_in_the_line(file: tuple[str, str]) -> None:
    text, token = file
    said = outcome(text)
    if isinstance(said, str):
        assert token not in said
        assert not any(token[start : start + 16] in said for start in range(len(token) - 15))
