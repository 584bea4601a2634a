"""The configuration in effect, as a settings file: what was given, and the default of everything else.

The text loads to the same settings. It names where a token is, never the token.
"""

from collections.abc import Collection, Iterator

from exporter.config.keys import (
    COLLECTORS,
    FILTERS,
    FLOW_FILTER,
    LIMITS,
    MATCH,
    OWNER,
    PROFILE,
    RATE_LIMIT,
    REDIS,
    STATE,
    Key,
)
from exporter.config.kinds import instant, quoted
from exporter.config.settings import Account, CollectorSettings, Owner, Settings, StateSettings


def effective(settings: Settings) -> str:
    """`settings` as YAML with every default written out."""
    return "\n".join(_lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[str]:
    yield "accounts:"
    for account in settings.accounts:
        yield from _account(account)
    yield "collectors:"
    for name, keys in COLLECTORS.items():
        yield f"  {name}:"
        yield from _values(getattr(settings.collectors, name), keys, "    ")
    yield f"profile: {PROFILE.kind.write(settings.profile)}"
    yield "filters:"
    yield from _values(settings.filters, FILTERS, "  ")
    yield "  flows:"
    yield from _values(settings.filters.flows, FLOW_FILTER, "    ")
    yield "limits:"
    yield from _values(settings.limits, LIMITS, "  ")
    yield from _state(settings.state)
    if settings.ownership:
        yield "ownership:"
    for owner in settings.ownership:
        yield from _owner(owner)


def _state(state: StateSettings) -> Iterator[str]:
    if state.place is not None:
        yield "state:"
        yield from _given(state, STATE, "  ")
    if state.redis is not None:
        yield from _given(state.redis, REDIS, "  ")
        if (password := state.redis.password) is not None:
            yield f"  password_file: {quoted(password.file)}" if password.file else f"  password_env: {password.env}"


def _owner(owner: Owner) -> Iterator[str]:
    yield "  - match:"
    yield from _given(owner.match, MATCH, "      ")
    yield from _given(owner, OWNER, "    ")


def _account(account: Account) -> Iterator[str]:
    yield f"  - name: {quoted(account.name)}"
    yield f"    environment: {quoted(account.environment)}"
    if account.region is not None:
        yield f"    region: {account.region}"
    else:
        yield f"    base_url: {quoted(account.base_url)}"
    if account.token.file is not None:
        yield f"    token_file: {quoted(account.token.file)}"
    else:
        yield f"    token_env: {account.token.env}"
    yield "    rate_limit:"
    yield from _values(account.rate_limit, RATE_LIMIT, "      ")
    if account.token_expires is not None:
        yield f"    token_expires: {instant().write(account.token_expires)}"


def _given(section: object, keys: Collection[Key], indent: str) -> Iterator[str]:
    for key in keys:
        value = getattr(section, key.name)
        if value not in {None, ""}:
            yield f"{indent}{key.name}: {key.kind.write(value)}"


def _values(section: object, keys: Collection[Key], indent: str) -> Iterator[str]:
    for key in keys:
        value = getattr(section, key.name)
        if value is None and isinstance(section, CollectorSettings):
            value = {"timeout": section.deadline_seconds, "staleness": section.staleness_seconds}[key.name]
        yield f"{indent}{key.name}: {key.kind.write(value)}"
