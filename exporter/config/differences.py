"""What is different between two configurations: names of accounts and of keys, never a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from exporter.config.settings import Account, Settings

_FOR_ALL = ("collectors", "limits", "profile", "filters", "ownership")
"""Sections that every account runs under."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Names of the accounts that came, went, or run under other settings, and the keys whose values are others.

    A key of an account is `accounts[NAME].KEY`.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = field(default=())


def differences(before: Settings, after: Settings) -> Differences:
    """What makes `after` another configuration than `before`. The order of the accounts does not."""
    old, new = _by_name(before), _by_name(after)
    shared = [key for name in _FOR_ALL for key in _keys(getattr(before, name), getattr(after, name), name)]
    own = {name: list(_keys(old[name], new[name], f"accounts[{name}]")) for name in new if name in old}
    return Differences(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name, keys in own.items() if keys or shared),
        keys=(*shared, *(key for keys in own.values() for key in keys)),
    )


def _by_name(settings: Settings) -> Mapping[str, Account]:
    return {account.name: account for account in settings.accounts}


def _keys(before: object, after: object, path: str) -> Iterator[str]:
    """Paths of what is different; a list or text is different as a whole."""
    if is_dataclass(before) and type(before) is type(after):
        for each in fields(before):
            yield from _keys(getattr(before, each.name), getattr(after, each.name), f"{path}.{each.name}")
    elif before != after:
        yield path.replace(".token.", ".token_")  # as it is called in the file
