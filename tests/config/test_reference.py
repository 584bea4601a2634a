"""The configuration page is the code's, and the tables behind it leave nothing out."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import root
from exporter.config.cursor import Cursor
from exporter.config.environment import VARIABLES
from exporter.config.keys import (
    ACCOUNT,
    COLLECTORS,
    FILTERS,
    FLOW_FILTER,
    LIMITS,
    MATCH,
    OWNER,
    PROFILE,
    RATE_LIMIT,
    Key,
)
from exporter.config.load import parse_settings
from exporter.config.nodes import compose
from exporter.config.reference import FILE_NAME, configuration_page, write
from exporter.config.settings import (
    Account,
    Collectors,
    Filters,
    FlowFilter,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
)
from tests.config.places import ENVIRON

PAGE = (Path(__file__).parents[2] / "docs" / FILE_NAME).read_text(encoding="utf-8")

SECTIONS: dict[str, tuple[tuple[Key, ...], Any]] = {
    "rate_limit": (RATE_LIMIT, RateLimit()),
    "limits": (LIMITS, Limits()),
    "flows": (FLOW_FILTER, FlowFilter()),
    "match": (MATCH, OwnershipMatch()),
    **{name: (keys, getattr(Collectors(), name)) for name, keys in COLLECTORS.items()},
}


def test_the_committed_page_is_what_the_code_says() -> None:
    assert configuration_page(root) == PAGE, "run `make docs`"


def test_the_page_can_be_written_anywhere(tmp_path: Path) -> None:
    assert write(tmp_path).read_text(encoding="utf-8") == PAGE


@pytest.mark.parametrize(("keys", "defaults"), SECTIONS.values(), ids=SECTIONS.keys())
def test_every_setting_has_exactly_one_key(keys: tuple[Key, ...], defaults: Any) -> None:
    assert sorted(key.name for key in keys) == sorted(field.name for field in dataclasses.fields(defaults))


def test_every_collector_has_its_keys() -> None:
    assert list(COLLECTORS) == [field.name for field in dataclasses.fields(Collectors)]


def test_every_field_of_an_account_can_be_set() -> None:
    fields = {field.name for field in dataclasses.fields(Account)}
    assert fields == {key.name for key in ACCOUNT} | {"token", "base_url", "rate_limit"}


@pytest.mark.parametrize(("keys", "defaults"), SECTIONS.values(), ids=SECTIONS.keys())
def test_every_default_could_be_given_in_the_file(keys: tuple[Key, ...], defaults: Any) -> None:
    for key in keys:
        default = getattr(defaults, key.name)
        if default is None:
            continue
        node = compose(key.kind.write(default), "f")
        assert node is not None
        assert key.kind.read(Cursor(node, "f")) == default


@pytest.mark.parametrize("keys", [ACCOUNT, (PROFILE,), FILTERS, OWNER, *(keys for keys, _ in SECTIONS.values())])
def test_every_key_and_its_meaning_is_on_the_page(keys: tuple[Key, ...]) -> None:
    for key in keys:
        assert re.search(rf"^\| `{key.name}` \| .* \| {re.escape(key.meaning)} \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_on_the_page(variable: str) -> None:
    assert f"| `{variable}` |" in PAGE


@pytest.mark.parametrize("command", ["serve", "check", "metrics", "demo", "simulator"])
def test_every_flag_of_every_command_is_on_the_page(command: str) -> None:
    section = PAGE.split(f"### `{command}`\n")[1].split("\n### ")[0]
    flags = {option for parameter in root.commands[command].params for option in parameter.opts}
    assert flags == set(re.findall(r"^\| `(--[a-z.-]+)`", section, re.MULTILINE))


def test_every_field_of_the_filters_and_of_an_owner_can_be_set() -> None:
    fields = {field.name for field in dataclasses.fields(Filters)}
    assert fields == {key.name for key in FILTERS} | {"flows"}
    fields = {field.name for field in dataclasses.fields(Owner)}
    assert fields == {key.name for key in OWNER} | {"match"}


def test_the_example_of_the_page_loads(folder: Path) -> None:
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    text = example.replace("/run/secrets/acme", str(folder / "secrets/acme"))
    settings = parse_settings(text, "example", {**ENVIRON, "ACME_SANDBOX_TOKEN": "other-token"})
    assert [account.name for account in settings.accounts] == ["acme", "acme-sandbox"]
    assert settings.filters.active
    assert len(settings.ownership) == 2


def test_the_example_of_the_readme_loads(folder: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = next(
        block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if block.startswith("accounts:")
    )
    text = example.replace("/run/secrets/acme", str(folder / "secrets/acme"))
    assert parse_settings(text, "readme", {**ENVIRON, "ACME_SANDBOX_TOKEN": "other-token"}).accounts
