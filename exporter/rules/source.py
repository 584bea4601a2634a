"""The rules as they are written: `source/*.yml`, read strictly.

A recording rule is an expression. An alert says besides what it is `about`, which decides the names and owners that are
joined to it and where its link leads. `${name}` stands for a threshold, `${name.seconds}` for one that is a duration as
a number of seconds.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

GROUPS = (
    "names",
    "recording",
    "history",
    "days",
    "exporter",
    "schedule",
    "runs",
    "throughput",
    "objectives",
    "errors",
    "connections",
    "governance",
)
"""Files of the source in the order of the groups: what is recorded comes before what reads it."""

Subject = Literal["exporter", "account", "integration", "flow", "connection", "agent"]
Severity = Literal["critical", "warning", "info"]
Text = Annotated[str, msgspec.Meta(min_length=1)]

_FOLDER = Path(__file__).with_name("source")


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A series that alerts are made of."""

    record: Text
    expr: Text


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"lasting": "for"}):
    """One alert; `lasting` is how long its expression has to hold."""

    alert: Annotated[str, msgspec.Meta(pattern="^Celigo[A-Z][A-Za-z]+$")]
    about: Subject
    severity: Severity
    expr: Text
    lasting: Text
    summary: Text
    description: Text
    labels: Mapping[str, str] = {}


class Group(msgspec.Struct, frozen=True):
    """Rules that Prometheus evaluates one after the other; `interval` None is as often as all others."""

    name: str
    rules: tuple[Recording | Alert, ...]
    interval: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: Text
    rules: list[dict[str, object]]
    interval: str | None = None


@cache
def groups() -> tuple[Group, ...]:
    """All groups in their order; raises msgspec.ValidationError for a source that is wrong."""
    return tuple(_read(_FOLDER / f"{name}.yml") for name in GROUPS)


def alerts() -> Iterator[Alert]:
    """Every alert, in the order of the groups."""
    for group in groups():
        yield from (rule for rule in group.rules if isinstance(rule, Alert))


def _read(path: Path) -> Group:
    held = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), _File)
    return Group(held.group, tuple(_rule(entry) for entry in held.rules), held.interval)


def _rule(entry: dict[str, object]) -> Recording | Alert:
    return msgspec.convert(entry, Recording) if "record" in entry else msgspec.convert(entry, Alert)
