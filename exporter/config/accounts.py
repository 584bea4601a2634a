"""The accounts of the settings file."""

from collections.abc import Mapping
from pathlib import Path

from exporter.config.address import parse_base_url
from exporter.config.cursor import Cursor
from exporter.config.keys import ACCOUNT, RATE_LIMIT
from exporter.config.problem import shown
from exporter.config.section import known_entries, read_section, read_values
from exporter.config.settings import REGIONS, Account, RateLimit, TokenSource
from exporter.config.shard import Shard
from exporter.config.token_place import is_variable_name, may_be_token, token_problem

ACCOUNTS = 200
"""Accounts of one exporter, at most: what one process was measured with."""

_KEYS = ("name", "environment", "region", "base_url", "token_file", "token_env", "rate_limit", "token_expires")


def read_accounts(at: Cursor, environ: Mapping[str, str], shard: Shard | None = None) -> tuple[Account, ...]:
    """The accounts listed at `at`, at least one, names unique; with `shard` those of them that are in it, if any.

    Raises ConfigError, also when a token is not where an account says; those of other shards may be elsewhere. A
    relative token_file is relative to the settings file.
    """
    accounts: list[Account] = []
    names: set[str] = set()
    for item in at.items():
        account = _account(item)
        if account.name in names:
            raise item.fail(f"the name {shown(account.name)} is taken by an account above", key=f"{item.path}.name")
        names.add(account.name)
        if shard is None or shard.holds(account.name):
            _check_token(item, account.token, environ)
            accounts.append(account)
    if not names:
        raise at.fail("expected at least one account")
    if len(accounts) > ACCOUNTS:
        where = "" if shard is None else f" in the shard {shard}"
        problem = f"expected at most {ACCOUNTS} accounts{where}, got {len(accounts)}"
        raise at.fail(f"{problem}; share them between several exporters with --shard")
    return tuple(accounts)


def _account(at: Cursor) -> Account:
    entries = known_entries(at, _KEYS)
    if "name" not in entries:
        raise at.fail("`name` is missing")
    values = read_values(entries, ACCOUNT)
    if "rate_limit" in entries:
        values["rate_limit"] = read_section(entries["rate_limit"], RATE_LIMIT, RateLimit())
    token = _token(at, entries)
    return Account(token=token, **{**values, **_host(at, entries, values)})


def _host(at: Cursor, entries: Mapping[str, Cursor], values: Mapping[str, object]) -> dict[str, object]:
    """The base URL, and the region it belongs to."""
    if "base_url" not in entries:
        return {"base_url": REGIONS[str(values["region"])]} if "region" in values else {}
    if "region" in entries:
        raise at.fail("`region` and `base_url` exclude each other; give one of them", line=entries["base_url"].key_line)
    place = entries["base_url"]
    try:
        url = parse_base_url(place.scalar("a URL such as https://api.integrator.io").text)
    except ValueError as error:
        raise place.fail(str(error)) from None
    return {"base_url": url, "region": region_of(url)}


def region_of(base_url: str) -> str | None:
    """The region whose host this is; None for any other host."""
    return next((region for region, url in REGIONS.items() if url == base_url), None)


def _check_token(at: Cursor, token: TokenSource, environ: Mapping[str, str]) -> None:
    if problem := token_problem(token, environ):
        raise at.entries()["token_env" if token.file is None else "token_file"].fail(problem)


def _token(at: Cursor, entries: Mapping[str, Cursor]) -> TokenSource:
    given = [entries[name] for name in ("token_file", "token_env") if name in entries]
    if not given:
        raise at.fail("no token: `token_file` or `token_env` is missing")
    if len(given) > 1:
        raise at.fail("`token_file` and `token_env` exclude each other; give one of them", line=given[1].key_line)
    return _token_file(given[0]) if "token_file" in entries else _token_env(given[0])


def _token_file(at: Cursor) -> TokenSource:
    path = at.scalar("the path of a file with the token").text
    if may_be_token(path):
        raise at.fail("this looks like the token itself; write it to a file and name that file here")
    if not path or not path.isprintable():
        raise at.fail("expected the path of a file with the token")
    return TokenSource(file=str(Path(at.source).absolute().parent / path))


def _token_env(at: Cursor) -> TokenSource:
    scalar = at.scalar("the name of an environment variable")
    if not is_variable_name(scalar.text):
        raise at.fail("expected the name of an environment variable: letters, digits and _, no digit first")
    return TokenSource(env=scalar.text)
