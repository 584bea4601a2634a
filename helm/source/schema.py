"""values.schema.json.

The chart's own part is from schema.yml, the exporter's settings are from its tables, and what each value means is from
the comments in values.yaml: editors show it.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from exporter.rules.source import alerts
from helm.source import settings_schema
from helm.source.comments import values

_OWN = Path(__file__).with_name("schema.yml")


def text(source: str) -> str:
    """The schema for the values.yaml with the text `source`.

    Raises KeyError for a value that the schema does not know, Uncommented for one without a meaning.
    """
    schema: dict[str, Any] = yaml.safe_load(_OWN.read_text(encoding="utf-8"))
    schema["definitions"] |= {
        "account": settings_schema.account(),
        "settings": settings_schema.settings(),
        "thresholds": settings_schema.thresholds(),
        "alertName": {"enum": sorted({alert.alert for alert in alerts()})},
    }
    _close(schema)
    for value in values(source):
        _at(schema, value.path)["description"] = value.meaning
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _close(schema: dict[str, Any]) -> None:
    """Refuse in every mapping whose keys are listed all other keys."""
    properties = schema.get("properties", {})
    if properties:
        schema |= {"type": "object", "additionalProperties": False}
    for child in [*properties.values(), *schema.get("definitions", {}).values()]:
        _close(child)


def _at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of one value."""
    for name in path.split("."):
        schema = schema["properties"][name]
    return schema
