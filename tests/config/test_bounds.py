"""Files that are small and would be large once read, and lists that are longer than anybody means."""

import time

import pytest

from exporter.config.accounts import ACCOUNTS
from exporter.config.keys import OWNERS
from exporter.config.load import parse_settings
from exporter.config.nodes import DEPTH, NODES
from exporter.config.problem import ConfigError
from tests.config.places import ENVIRON, MINIMAL


def problem_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "celigo.yml", ENVIRON)
    return str(caught.value)


def accounts(count: int) -> str:
    return "accounts:\n" + "".join(f"  - {{name: a{number}, token_env: ACME_TOKEN}}\n" for number in range(count))


def test_as_many_accounts_as_one_exporter_can_have_are_read_and_one_more_is_refused() -> None:
    assert len(parse_settings(accounts(ACCOUNTS), "celigo.yml", ENVIRON).accounts) == ACCOUNTS
    assert f"accounts: expected at most {ACCOUNTS} accounts, got {ACCOUNTS + 1}" in problem_of(accounts(ACCOUNTS + 1))


def test_more_owners_than_anybody_means_are_refused() -> None:
    owners = "ownership:\n" + "  - {match: {flow: x}, team: t}\n" * (OWNERS + 1)
    assert f"expected at most {OWNERS} entries" in problem_of(MINIMAL + owners)


def test_aliases_that_multiply_are_refused_in_a_moment() -> None:
    bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"b{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 12)
    )
    started = time.process_time()
    assert f"more than {NODES} values" in problem_of(bomb)
    assert time.process_time() - started < 10


def test_nesting_without_end_is_refused_where_it_gets_too_deep() -> None:
    assert f"nested more than {DEPTH} levels deep" in problem_of("accounts: " + "[" * 100_000)
