"""The configuration in effect loads to the same settings and shows no token."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.effective import effective
from exporter.config.keys import COLLECTORS, LIMITS, RATE_LIMIT, Key
from exporter.config.kinds import Kind
from exporter.config.load import parse_settings
from exporter.config.quantity import parse_duration
from exporter.config.settings import (
    PROFILES,
    REGIONS,
    Account,
    Collectors,
    Filters,
    FlowFilter,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
    Settings,
    StateSettings,
    TokenSource,
)
from tests.config.places import ENVIRON, TOKEN
from tests.config.speed import ANY_SPEED
from tests.config.test_load import FULL

LABEL = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
LABEL_WITH_SIGNS = LABEL | st.text(string.punctuation + string.ascii_letters, min_size=1, max_size=30)


def values_of(kind: Kind) -> st.SearchStrategy[Any]:
    """Any value that the kind reads."""
    low, _, high = kind.bounds.partition(" to ")
    match kind.name:
        case "whole number":
            return st.integers(int(low), int(high))
        case "number":
            return st.integers(10, 300_000).map(lambda thousandths: thousandths / 1000)
        case "size":
            return st.integers(64 * 1024, 1 << 30)
        case "duration":
            least = max(60_000, round(1000 * (parse_duration(low) or 0)))
            return st.integers(least, least + 240_000).map(lambda milliseconds: milliseconds / 1000)
        case "list of id or name":
            return st.lists(LABEL_WITH_SIGNS, max_size=3, unique=True).map(tuple)
    return st.just(True)


def given_values(keys: tuple[Key, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={key.name: values_of(key.kind) for key in keys if key.name != "staleness"}
    )


PATTERNS = st.sampled_from([".*", 'say "hi"', r"C:\\.*\.csv", "(?i)(eu|us) .*", "#: {}", "Größe"])
DURATIONS = st.none() | st.integers(1000, 10**9).map(lambda milliseconds: milliseconds / 1000)
FILTERS = st.builds(
    Filters,
    st.lists(LABEL_WITH_SIGNS, max_size=3).map(tuple),
    st.builds(
        FlowFilter, st.lists(PATTERNS, min_size=1, max_size=3).map(tuple), st.lists(PATTERNS, max_size=3).map(tuple)
    ),
    st.booleans(),
)
MATCHES = (
    st.builds(OwnershipMatch, flow=LABEL_WITH_SIGNS)
    | st.builds(OwnershipMatch, name=PATTERNS)
    | st.builds(OwnershipMatch, integration=LABEL_WITH_SIGNS)
)
OWNERS = st.builds(Owner, MATCHES, LABEL_WITH_SIGNS, st.just("") | LABEL_WITH_SIGNS, DURATIONS, DURATIONS)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    regions = st.sampled_from([*REGIONS.items(), (None, "https://celigo.example.com"), (None, "http://[::1]:8080")])
    accounts = []
    for name in draw(st.lists(LABEL_WITH_SIGNS, min_size=1, max_size=3, unique=True)):
        region, base_url = draw(regions)
        accounts.append(
            Account(
                name,
                TokenSource(env="ACME_TOKEN"),
                base_url,
                region,
                environment=draw(LABEL_WITH_SIGNS),
                rate_limit=RateLimit(**draw(given_values(RATE_LIMIT))),
                token_expires=draw(st.none() | st.integers(946_684_800, 7_000_000_000).map(float)),
            )
        )
    defaults = Collectors()
    collectors = {name: type(getattr(defaults, name)) for name in COLLECTORS}
    changed = {name: kind(**draw(given_values(COLLECTORS[name]))) for name, kind in collectors.items()}
    state = StateSettings(draw(st.none() | LABEL_WITH_SIGNS.map(lambda name: f"/var/lib/{name.strip('/')}.db")))
    return Settings(
        tuple(accounts),
        Collectors(**changed),
        Limits(**draw(given_values(LIMITS))),
        state,
        profile=draw(st.sampled_from(PROFILES)),
        filters=draw(FILTERS),
        ownership=tuple(draw(st.lists(OWNERS, max_size=3))),
    )


@ANY_SPEED
@given(settings())
def test_it_loads_to_settings_that_are_the_same_in_effect(before: Settings) -> None:
    text = effective(before)
    after = parse_settings(text, "effective.yml", ENVIRON)
    assert after.accounts == before.accounts
    assert after.limits == before.limits
    assert after.state == before.state
    assert (after.profile, after.filters, after.ownership) == (before.profile, before.filters, before.ownership)
    assert effective(after) == text
    for name in COLLECTORS:
        was, now = getattr(before.collectors, name), getattr(after.collectors, name)
        assert now.deadline_seconds == pytest.approx(was.deadline_seconds, abs=0.0005)
        assert now.staleness_seconds == pytest.approx(was.staleness_seconds, abs=0.0005)


@pytest.mark.parametrize("region", [*REGIONS, None])
def test_it_gives_the_region_or_the_base_url_never_both(region: str | None) -> None:
    url = REGIONS[region] if region else "https://celigo.example.com"
    text = effective(Settings((Account("a", TokenSource(env="A"), url, region),)))
    assert ("region:" in text, "base_url:" in text) == (region is not None, region is None)


def test_it_names_the_place_of_a_token_and_not_the_token() -> None:
    text = effective(
        parse_settings(
            FULL.replace("secrets/acme", "/dev/null").replace("token_file: /dev/null", "token_env: ACME_TOKEN"),
            "f",
            ENVIRON,
        )
    )
    assert "token_env: ACME_TOKEN" in text
    assert TOKEN not in text


def test_it_writes_every_default_out() -> None:
    text = effective(Settings((Account("acme", TokenSource(file="/run/secrets/acme")),)))
    assert text.startswith('accounts:\n  - name: "acme"\n    environment: "production"\n    region: us\n')
    for expected in (
        'token_file: "/run/secrets/acme"',
        "burst: 10",
        "overlap: 2h",
        "staleness: 15m",
        "response_bytes: 64MiB",
        "series: 500000",
        "profile: standard",
        "integrations: []",
        "enabled_only: false",
        'include: [".*"]',
    ):
        assert expected in text
