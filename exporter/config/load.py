"""Loading: a settings file, or the environment when there is none, into one frozen `Settings`."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from exporter.config.accounts import read_accounts
from exporter.config.choosing import read_filters, read_ownership, read_profile
from exporter.config.cursor import Cursor
from exporter.config.environment import account_from_environment, state_from_environment
from exporter.config.file import read_text
from exporter.config.keys import COLLECTORS, LIMITS
from exporter.config.nodes import MapNode, compose
from exporter.config.problem import ConfigError
from exporter.config.section import known_entries, read_section
from exporter.config.settings import Collectors, CollectorSettings, Limits, Settings, StateSettings, Web
from exporter.config.shard import Shard
from exporter.config.state import read_state

_WEB = Web()
_SECTIONS = ("accounts", "collectors", "profile", "filters", "limits", "state", "ownership")
_CHOOSING: Mapping[str, Callable[[Cursor], Any]] = {
    "profile": read_profile,
    "filters": read_filters,
    "ownership": read_ownership,
}


def load_settings(
    path: str | None, environ: Mapping[str, str], web: Web = _WEB, shard: Shard | None = None
) -> Settings:
    """The settings of the file at `path`; without a path, of the environment. With `shard`, its accounts alone.

    With a file, the variables that describe an account are not looked at. Raises ConfigError, whose text is one line
    and holds no token.
    """
    if path is None and shard is not None:
        raise ConfigError("--shard shares out the accounts of a file; name it with --config.file")
    if path is None:
        return Settings(accounts=(account_from_environment(environ),), state=state_from_environment(environ), web=web)
    return dataclasses.replace(parse_settings(read_text(path), path, environ, shard), web=web)


def parse_settings(text: str, source: str, environ: Mapping[str, str], shard: Shard | None = None) -> Settings:
    """The settings in `text`, the content of the file called `source`; of its accounts those in `shard`.

    Raises ConfigError.
    """
    root = compose(text, source)
    if root is None:
        raise ConfigError("the file is empty; expected a mapping with `accounts`", source=source)
    if not isinstance(root, MapNode):
        raise ConfigError("expected a mapping with `accounts`", source=source, line=root.line)
    entries = known_entries(Cursor(root, source), _SECTIONS)
    if "accounts" not in entries:
        raise ConfigError("`accounts` is missing", source=source, line=root.line)
    shown: dict[str, Any] = {name: read(entries[name]) for name, read in _CHOOSING.items() if name in entries}
    return Settings(
        accounts=read_accounts(entries["accounts"], environ, shard),
        collectors=_collectors(entries["collectors"]) if "collectors" in entries else Collectors(),
        limits=read_section(entries["limits"], LIMITS, Limits()) if "limits" in entries else Limits(),
        state=read_state(entries["state"], environ) if "state" in entries else StateSettings(),
        source=source,
        state_line=entries["state"].key_line if "state" in entries else None,
        **shown,
    )


def _collectors(at: Cursor) -> Collectors:
    defaults = Collectors()
    changed: dict[str, Any] = {}
    for name, entry in known_entries(at, COLLECTORS).items():
        changed[name] = _checked(entry, read_section(entry, COLLECTORS[name], getattr(defaults, name)))
    collectors = dataclasses.replace(defaults, **changed)
    if not any(getattr(collectors, name).enabled for name in COLLECTORS):
        raise at.fail("every collector is switched off, so there is nothing to do")
    return collectors


def _checked(at: Cursor, settings: CollectorSettings) -> CollectorSettings:
    if settings.staleness is not None and settings.staleness < settings.interval:
        raise at.fail("`staleness` is shorter than `interval`, so values would vanish between two runs")
    return settings
