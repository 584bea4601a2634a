"""Reading of one mapping of the file: known keys only, each by its kind."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.config.cursor import Cursor
from exporter.config.keys import Key
from exporter.config.problem import ConfigError, named, names_secret, suggestion

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    SectionValue = TypeVar("SectionValue", bound=DataclassInstance)


_LISTED = 30
"""More names than so many are not listed in a message."""


def known_entries(at: Cursor, known: Collection[str]) -> dict[str, Cursor]:
    """The entries of the mapping at `at`; raises ConfigError when one is not among `known`."""
    entries = at.entries()
    for name, value in entries.items():
        if name not in known:
            raise _unknown(at, name, value, known)
    return entries


def read_values(entries: Mapping[str, Cursor], keys: Collection[Key]) -> dict[str, Any]:
    """The values of those `keys` that are given, by attribute name."""
    return {key.name: key.kind.read(entries[key.name]) for key in keys if key.name in entries}


def read_section(at: Cursor, keys: Collection[Key], defaults: "SectionValue") -> "SectionValue":
    """`defaults` with what the mapping at `at` sets."""
    entries = known_entries(at, [key.name for key in keys])
    return dataclasses.replace(defaults, **read_values(entries, keys))


def _unknown(at: Cursor, name: str, value: Cursor, known: Collection[str]) -> ConfigError:
    for secret in ("token", "password"):
        if names_secret(name) and f"{secret}_file" in known:
            problem = f"{named(name)}: a {secret} does not belong into this file; use {secret}_file or {secret}_env"
            return at.fail(problem, line=value.key_line)
    # A list of a hundred names helps nobody who has only mistyped one.
    listed = f"known: {', '.join(known)}" if len(known) <= _LISTED else f"{len(known)} others are known"
    problem = f"unknown key {named(name)};{suggestion(name, known)} {listed}"
    return at.fail(problem, line=value.key_line)
