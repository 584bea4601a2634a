"""The dashboards as they are in the package: Grafana's JSON with a place for each threshold of the alert rules.

In a text `%{name}` stands for a threshold, `%{name.seconds}` for a duration as a number of seconds, `%{name.percent}`
for a share in percent; a string that is nothing but one of the first two becomes a number. Grafana's own `${name}`
stays as it is.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from exporter.rules.thresholds import Thresholds

FOLDER = Path(__file__).with_name("boards")
"""Where they are."""

_PLACE = re.compile(r"%\{([a-z_0-9]+)(\.seconds|\.percent)?\}")


def boards(thresholds: Thresholds) -> Mapping[str, str]:
    """Every dashboard by file name, as Grafana imports it, with `thresholds` in it."""
    return {path.name: filled(path.read_text(encoding="utf-8"), thresholds) for path in sorted(FOLDER.glob("*.json"))}


def filled(text: str, thresholds: Thresholds) -> str:
    """One dashboard with every place filled; raises KeyError for a threshold that does not exist."""
    return json.dumps(_filled(json.loads(text), thresholds), ensure_ascii=False, indent=2) + "\n"


def _filled(value: object, thresholds: Thresholds) -> object:
    if isinstance(value, dict):
        return {key: _filled(item, thresholds) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, thresholds) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := _PLACE.fullmatch(value)) is not None and whole[2] != ".percent":
        return _number(_said(whole, thresholds))
    return with_thresholds(value, thresholds)


def with_thresholds(text: str, thresholds: Thresholds) -> str:
    """`text` with every place in it filled; raises KeyError for a threshold that does not exist."""
    return _PLACE.sub(lambda place: _said(place, thresholds), text)


def _said(place: re.Match[str], thresholds: Thresholds) -> str:
    if place[2] == ".percent":
        return f"{100 * float(thresholds.values[place[1]]):g} %"
    return thresholds.fill(f"${{{place[1]}{place[2] or ''}}}")


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number
