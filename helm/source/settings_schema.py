"""The exporter's own settings and thresholds as JSON schema, from the tables that the exporter reads them with."""

import json
import re
from collections.abc import Iterable, Mapping

from exporter.config.keys import (
    ACCOUNT,
    COLLECTORS,
    FILTERS,
    FLOW_FILTER,
    LIMITS,
    MATCH,
    OWNER,
    OWNERS,
    PROFILE,
    RATE_LIMIT,
    Key,
)
from exporter.config.kinds import LABEL_CHARACTERS, TERM_CHARACTERS
from exporter.rules.thresholds import default_thresholds, limits

Schema = dict[str, object]

DURATION = r"^([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$"
_DURATION_MS = DURATION.replace("$", "([0-9]{1,9}ms)?$")
_BOUNDS = re.compile(r"([0-9.]+) to ([0-9.]+)")
_PATTERN_CHARACTERS = 200

_ONE_LINE = {"type": "string", "minLength": 1, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}

_KINDS: Mapping[str, Schema] = {
    "text": {**_ONE_LINE, "maxLength": LABEL_CHARACTERS},
    "id or name": {**_ONE_LINE, "maxLength": TERM_CHARACTERS},
    "regular expression": {**_ONE_LINE, "maxLength": _PATTERN_CHARACTERS},
    "duration": {"type": "string", "minLength": 2, "pattern": _DURATION_MS},
    "size": {"type": "string", "pattern": "^[0-9]{1,18}(B|KiB|MiB|GiB)$"},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    "`true` or `false`": {"type": "boolean"},
}


def settings() -> Schema:
    """Everything of the settings file but accounts and state."""
    flows = {"flows": closed(_properties(FLOW_FILTER))}
    owner = closed(
        {"match": closed(_properties(MATCH)) | {"minProperties": 1, "maxProperties": 1}, **_properties(OWNER)}
    )
    return closed(
        {
            "collectors": closed({name: closed(_properties(keys)) for name, keys in COLLECTORS.items()}),
            "profile": _of(PROFILE),
            "filters": closed({**_properties(FILTERS), **flows}),
            "limits": closed(_properties(LIMITS)),
            "ownership": {
                "type": "array",
                "maxItems": OWNERS,
                "items": owner | {"required": ["match"], "minProperties": 2},
            },
        }
    )


def account() -> Schema:
    """An account of the settings file, whose token is in a Secret."""
    own = {
        "base_url": {"type": "string", "pattern": "^(https://|http://(localhost|127[.]))[^/@?#\\s]+(/v1)?/?$"},
        "rate_limit": closed(_properties(RATE_LIMIT)),
        "token_file": {"type": "string", "pattern": "^/[^\\x00-\\x1f\\x7f]+[^/]$"},
        "existingSecret": {"$ref": "#/definitions/secretKey"},
    }
    return closed({**_properties(ACCOUNT), **own}) | {"required": ["name"]}


def thresholds() -> Schema:
    """Every threshold; of which kind it is follows from its default, as when a file of thresholds is read."""
    durations = limits()
    return closed({name: _threshold(name, text, durations) for name, text in default_thresholds().values.items()})


def closed(properties: Mapping[str, object]) -> Schema:
    """A mapping with these keys and no others."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _threshold(name: str, default: str, durations: Mapping[str, int]) -> Schema:
    if name in durations:
        return {"type": "string", "minLength": 2, "pattern": DURATION}
    if re.fullmatch(r"[0-9]+", default):
        return {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
    if re.fullmatch(r"[0-9.]+", default):
        return {"type": "number", "minimum": 0, "maximum": 100_000}
    line = r"^[^\x00-\x1f\x7f-\x9f]*$" if name.endswith("_url") else r'^[^\x00-\x1f\x7f-\x9f"\\]*$'
    return {"type": "string", "minLength": 1 if default else 0, "maxLength": 500, "pattern": line}


def _properties(keys: Iterable[Key]) -> dict[str, Schema]:
    return {key.name: {"description": key.meaning, **_of(key)} for key in keys}


def _of(key: Key) -> Schema:
    return _kind(key.kind.name, key.kind.bounds)


def _kind(name: str, bounds: str) -> Schema:
    if name.startswith("one of "):
        return {"enum": re.findall("`(.*?)`", name)}
    least, most = _BOUNDS.match(bounds).groups() if _BOUNDS.match(bounds) else ("", "")  # type: ignore[union-attr]
    if name.startswith("list of "):
        items = _kind(name.removeprefix("list of "), "")
        return {"type": "array", "minItems": int(least), "maxItems": int(most), "items": items}
    if name in {"whole number", "number"}:
        kind = {"whole number": "integer", "number": "number"}[name]
        return {"type": kind, "minimum": json.loads(least), "maximum": json.loads(most)}
    return dict(_KINDS[name])
