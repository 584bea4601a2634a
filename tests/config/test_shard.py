"""Shards: every account is in exactly one, always the same, and hardly any moves when there is one shard more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.load import load_settings, parse_settings
from exporter.config.problem import ConfigError
from exporter.config.shard import SHARDS, Shard, parse_shard, shard_of

NAMES = [f"account-{number}" for number in range(2000)]


@given(name=st.text(max_size=50), count=st.integers(1, SHARDS))
def test_every_account_is_in_exactly_one_shard(name: str, count: int) -> None:
    assert 0 <= shard_of(name, count) < count
    assert sum(Shard(index, min(count, 20)).holds(name) for index in range(min(count, 20))) == 1


@given(name=st.text(max_size=50), count=st.integers(1, SHARDS - 1))
def test_one_shard_more_moves_an_account_to_the_new_one_or_not_at_all(name: str, count: int) -> None:
    assert shard_of(name, count + 1) in {shard_of(name, count), count}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_one_shard_more_moves_about_its_share(count: int) -> None:
    moved = sum(shard_of(name, count) != shard_of(name, count + 1) for name in NAMES) / len(NAMES)
    assert moved == pytest.approx(1 / (count + 1), rel=0.25)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_accounts_are_shared_out_evenly(count: int) -> None:
    sizes = [sum(Shard(index, count).holds(name) for name in NAMES) for index in range(count)]
    assert sum(sizes) == len(NAMES)
    assert min(sizes) > 0.75 * len(NAMES) / count


def test_an_account_is_where_it_always_was() -> None:
    """Another version that shared them out differently would have some accounts read twice and some by nobody."""
    assert [shard_of(name, 10) for name in ("acme", "globex", "Grünwald", "", "account-0")] == PINNED


PINNED = [1, 6, 2, 1, 8]


@pytest.mark.parametrize("text", ["0/1", "0/3", "2/3", "999/1000", "00/3"])
def test_a_shard_is_read(text: str) -> None:
    shard = parse_shard(text)
    assert f"{int(text.split('/')[0])}/{int(text.split('/')[1])}" == str(shard)


@pytest.mark.parametrize(
    "text",
    ["", "/", "1", "3/3", "1/0", "0/0", "-1/3", "0/-3", "0/1001", "1.0/3", " 0/3", "0/3\n", "0/3/4", "a/b", "0x1/3",
     "\u0660/\u0663", "0 / 3", "99999/99999", "+0/3"],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected I/N with I from 0 to N-1 and N from 1 to 1000, such as 0/3"):
        parse_shard(text)


def accounts(count: int, source: str = "token_env: T") -> str:
    return "accounts:\n" + "".join(f"  - {{name: account-{number}, {source}}}\n" for number in range(count))


def test_the_shards_of_a_file_are_all_of_its_accounts_each_once() -> None:
    text = accounts(500)
    shared = [parse_settings(text, "celigo.yml", {"T": "t"}, Shard(index, 4)).accounts for index in range(4)]
    assert sorted(each.name for part in shared for each in part) == sorted(NAMES[:500])
    assert all(len(part) > 80 for part in shared)


def test_tokens_of_other_shards_may_be_elsewhere() -> None:
    text = "accounts:\n" + "".join(f"  - {{name: account-{n}, token_env: T{n % 2}}}\n" for n in range(40))
    held = {number for number in range(40) if Shard(0, 2).holds(f"account-{number}")}
    environ = {f"T{number % 2}": "t" for number in held}
    assert len(parse_settings(text, "celigo.yml", environ, Shard(0, 2)).accounts) == len(held)
    with pytest.raises(ConfigError, match=r"token_env"):
        parse_settings(text, "celigo.yml", {}, Shard(0, 2))


def test_a_bad_account_of_another_shard_is_bad_for_everybody() -> None:
    """All shards of a file take it or none does."""
    for index in range(2):
        with pytest.raises(ConfigError, match="is taken by an account above"):
            parse_settings(accounts(3) + accounts(1).split("\n", 1)[1], "celigo.yml", {"T": "t"}, Shard(index, 2))


def test_a_shard_may_be_empty() -> None:
    sizes = [len(parse_settings(accounts(1), "celigo.yml", {"T": "t"}, Shard(index, 3)).accounts) for index in range(3)]
    assert sorted(sizes) == [0, 0, 1]


def test_a_shard_has_as_many_accounts_as_one_exporter_can_have() -> None:
    with pytest.raises(ConfigError, match=r"at most 200 accounts in the shard 0/2, got \d+; .* with --shard"):
        parse_settings(accounts(500), "celigo.yml", {"T": "t"}, Shard(0, 2))


def test_an_account_of_the_environment_is_not_shared_out() -> None:
    with pytest.raises(ConfigError, match=r"--shard shares out the accounts of a file"):
        load_settings(None, {"CELIGO_API_TOKEN": "t"}, shard=Shard(0, 2))
