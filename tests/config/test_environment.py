"""One account from the environment alone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.config.environment import account_from_environment, state_from_environment
from exporter.config.load import load_settings
from exporter.config.problem import ConfigError
from exporter.config.settings import REGIONS, Account, StateSettings, TokenSource
from tests.config.places import LOOKS_LIKE_TOKEN, TOKEN

FROM_VARIABLE = Account("default", TokenSource(env="CELIGO_API_TOKEN"))


def account(**more: str) -> Account:
    return account_from_environment({"CELIGO_API_TOKEN": TOKEN, **more})


def test_the_token_alone_is_enough() -> None:
    assert account() == FROM_VARIABLE


def test_a_token_file_does_as_well(folder: Path) -> None:
    path = str(folder / "secrets/acme")
    assert account_from_environment({"CELIGO_API_TOKEN_FILE": path}).token == TokenSource(file=path)


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_chooses_the_host(region: str) -> None:
    found = account(CELIGO_REGION=region)
    assert (found.region, found.base_url) == (region, REGIONS[region])


def test_a_base_url_chooses_any_other_host() -> None:
    found = account(CELIGO_BASE_URL="http://127.0.0.1:8080/v1/")
    assert (found.region, found.base_url) == (None, "http://127.0.0.1:8080")


def test_name_and_environment_are_the_labels() -> None:
    found = account(CELIGO_ACCOUNT="12", CELIGO_ENVIRONMENT="sandbox")
    assert (found.name, found.environment) == ("12", "sandbox")


@pytest.mark.parametrize(
    "name", ["CELIGO_API_TOKEN_FILE", "CELIGO_REGION", "CELIGO_BASE_URL", "CELIGO_ACCOUNT", "CELIGO_ENVIRONMENT"]
)
def test_an_empty_variable_counts_as_not_set(name: str) -> None:
    assert account(**{name: ""}) == FROM_VARIABLE


def test_variables_of_other_programs_do_not_matter() -> None:
    assert account(CELIGO_EXPORTER_PORT="tcp://10.0.0.1:80", REGION="mars") == FROM_VARIABLE


def test_the_settings_are_those_of_one_account_and_defaults() -> None:
    settings = load_settings(None, {"CELIGO_API_TOKEN": TOKEN})
    assert settings.accounts == (FROM_VARIABLE,)


NOTHING = "no account: set CELIGO_API_TOKEN or CELIGO_API_TOKEN_FILE, or name a file with --config.file"
GOOD = {"CELIGO_API_TOKEN": TOKEN}
PROBLEMS: dict[str, tuple[Mapping[str, str], str]] = {
    "nothing": (
        {},
        NOTHING,
    ),
    "only a region": (
        {"CELIGO_REGION": "eu"},
        NOTHING,
    ),
    "both tokens": (
        {**GOOD, "CELIGO_API_TOKEN_FILE": "/run/secrets/acme"},
        "environment: CELIGO_API_TOKEN and CELIGO_API_TOKEN_FILE exclude each other; set one of them",
    ),
    "region and URL": (
        {**GOOD, "CELIGO_REGION": "eu", "CELIGO_BASE_URL": "https://api.eu.integrator.io"},
        "environment: CELIGO_REGION and CELIGO_BASE_URL exclude each other; set one of them",
    ),
    "unknown region": (
        {**GOOD, "CELIGO_REGION": "eur"},
        'environment: CELIGO_REGION: expected one of us, eu, au, ca, got "eur"; did you mean `eu`?',
    ),
    "token as region": (
        {**GOOD, "CELIGO_REGION": LOOKS_LIKE_TOKEN},
        "environment: CELIGO_REGION: expected one of us, eu, au, ca, got a value that is not shown here",
    ),
    "plain http": (
        {**GOOD, "CELIGO_BASE_URL": "http://api.integrator.io"},
        "environment: CELIGO_BASE_URL: http would send the token in the clear; use https (http is for localhost alone)",
    ),
    "password in the URL": (
        {**GOOD, "CELIGO_BASE_URL": "https://user:hunter2@api.integrator.io"},
        "environment: CELIGO_BASE_URL: expected a URL without user and password",
    ),
    "two words": (
        {"CELIGO_API_TOKEN": "prober token"},
        "environment: CELIGO_API_TOKEN: the environment variable holds more than one word; expected the token alone",
    ),
    "blank": (
        {"CELIGO_API_TOKEN": " \n"},
        "environment: CELIGO_API_TOKEN: the environment variable CELIGO_API_TOKEN is not set or empty",
    ),
    "control character": (
        {"CELIGO_API_TOKEN": "prober\x1btoken"},
        "environment: CELIGO_API_TOKEN: the environment variable holds characters that no token has",
    ),
    "missing file": (
        {"CELIGO_API_TOKEN_FILE": "/nonexistent/token"},
        "environment: CELIGO_API_TOKEN_FILE: the token file does not exist",
    ),
    "token as file": (
        {"CELIGO_API_TOKEN_FILE": LOOKS_LIKE_TOKEN},
        "environment: CELIGO_API_TOKEN_FILE: this looks like the token itself; name a file, or use CELIGO_API_TOKEN",
    ),
    "line end in the file name": (
        {"CELIGO_API_TOKEN_FILE": "/run/a\nb"},
        "environment: CELIGO_API_TOKEN_FILE: expected the path of a file with the token",
    ),
    "two lines as name": (
        {**GOOD, "CELIGO_ACCOUNT": "a\nb"},
        "environment: CELIGO_ACCOUNT: expected one line of printable text without blanks at its ends",
    ),
    "long environment": (
        {**GOOD, "CELIGO_ENVIRONMENT": "x" * 101},
        "environment: CELIGO_ENVIRONMENT: expected 1 to 100 characters, got 101",
    ),
}


@pytest.mark.parametrize(("environ", "line"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_bad_variable_is_one_line_that_names_it(environ: Mapping[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        account_from_environment(environ)
    assert str(caught.value) == line


def test_the_variable_for_the_state_is_a_path() -> None:
    environ = {"CELIGO_API_TOKEN": TOKEN, "CELIGO_STATE_PATH": "state.db"}
    assert load_settings(None, environ).state == StateSettings("state.db")


@pytest.mark.parametrize("environ", [{}, {"CELIGO_STATE_PATH": ""}], ids=["unset", "empty"])
def test_without_the_variable_there_is_no_state_file(environ: Mapping[str, str]) -> None:
    assert state_from_environment(environ) == StateSettings()


@pytest.mark.parametrize("path", ["/var/lib/", "state\n.db"], ids=["folder", "two lines"])
def test_a_variable_that_can_be_no_file_is_refused(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        state_from_environment({"CELIGO_STATE_PATH": path})
    assert str(caught.value) == "environment: CELIGO_STATE_PATH: expected the path of a file"


@pytest.mark.parametrize(("given", "found"), [("state.db", "state.db"), ("a/b.db", "a/b.db"), ("/x/y.db", "/x/y.db")])
def test_a_path_in_a_file_is_relative_to_the_file_whatever_the_variable_says(
    given: str, found: str, folder: Path
) -> None:
    file = folder / "settings.yml"
    file.write_text(f"accounts: [{{name: acme, token_env: ACME_TOKEN}}]\nstate: {{path: {given}}}\n")
    state = load_settings(str(file), {"ACME_TOKEN": TOKEN, "CELIGO_STATE_PATH": "/elsewhere.db"}).state
    assert state == StateSettings(str(folder / found))
