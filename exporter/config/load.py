"""Loading: a settings file, or the environment when there is none, into one frozen `Settings`."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from exporter.config.accounts import read_accounts
from exporter.config.choosing import read_filters, read_ownership, read_profile
from exporter.config.cursor import Cursor
from exporter.config.environment import account_from_environment, state_from_environment
from exporter.config.keys import COLLECTORS, LIMITS, STATE
from exporter.config.nodes import MapNode, compose
from exporter.config.problem import ConfigError
from exporter.config.section import known_entries, read_section
from exporter.config.settings import Collectors, CollectorSettings, Limits, Settings, StateSettings, Web

FILE_BYTES = 1024 * 1024
"""Largest settings file."""

_WEB = Web()
_SECTIONS = ("accounts", "collectors", "profile", "filters", "limits", "state", "ownership")
_CHOOSING: Mapping[str, Callable[[Cursor], Any]] = {
    "profile": read_profile,
    "filters": read_filters,
    "ownership": read_ownership,
}


def load_settings(path: str | None, environ: Mapping[str, str], web: Web = _WEB) -> Settings:
    """The settings of the file at `path`; without a path, of the environment.

    With a file, the variables that describe an account are not looked at. Raises ConfigError, whose text is one line
    and holds no token.
    """
    if path is None:
        return Settings(accounts=(account_from_environment(environ),), state=state_from_environment(environ), web=web)
    return dataclasses.replace(parse_settings(_read(path), path, environ), web=web)


def parse_settings(text: str, source: str, environ: Mapping[str, str]) -> Settings:
    """The settings in `text`, the content of the file called `source`. Raises ConfigError."""
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
        accounts=read_accounts(entries["accounts"], environ),
        collectors=_collectors(entries["collectors"]) if "collectors" in entries else Collectors(),
        limits=read_section(entries["limits"], LIMITS, Limits()) if "limits" in entries else Limits(),
        state=read_section(entries["state"], STATE, StateSettings()) if "state" in entries else StateSettings(),
        source=source,
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


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path with a NUL byte must end in the same line as others
            raw = file.read(FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError("this file does not exist", source=path) from None
    except IsADirectoryError:
        raise ConfigError("this is a directory; expected a file", source=path) from None
    except PermissionError:
        raise ConfigError("this file may not be read by this user", source=path) from None
    except (OSError, ValueError):
        raise ConfigError("this file cannot be read", source=path) from None
    if len(raw) > FILE_BYTES:
        raise ConfigError(f"the file is over {FILE_BYTES // 1024} KiB", source=path)
    return _decoded(raw, path)


def _decoded(raw: bytes, path: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("not valid UTF-8", source=path, line=line) from None
    if "\0" in text:
        raise ConfigError(
            "a NUL byte; this is no text file", source=path, line=text.count("\n", 0, text.index("\0")) + 1
        )
    return text
