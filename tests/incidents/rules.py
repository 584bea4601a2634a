"""The rules that are judged, and what they read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds

METRIC = re.compile(r"\bceligo_[a-z0-9_]+")


@dataclass(frozen=True)
class Rules:
    """A rules file: its text, the names of its groups and alerts in their order, and of all series that it reads."""

    text: str
    groups: tuple[str, ...]
    alerts: tuple[str, ...]
    series: frozenset[str]


def rules_of(text: str) -> Rules:
    """What is in the text of a rules file."""
    content: Any = yaml.safe_load(text)
    held: Sequence[Mapping[str, Any]] = [rule for group in content["groups"] for rule in group["rules"]]
    alerts = dict.fromkeys(str(rule["alert"]) for rule in held if "alert" in rule)
    series = frozenset(name for rule in held for name in METRIC.findall(str(rule)))
    groups = tuple(str(group["name"]) for group in content["groups"])
    return Rules(text, groups, tuple(alerts), series)


@cache
def shipped() -> Rules:
    """The rules that come with the exporter, with their default thresholds."""
    return rules_of(rules_file(default_thresholds()))
