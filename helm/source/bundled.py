"""Rules, dashboards and thresholds of the package as files that the chart's templates can fill.

Helm reads no file outside the chart. JSON, because in it any threshold is replaced as text without breaking out.
"""

import json
import re
from collections.abc import Mapping

import yaml

from exporter.config.settings import REGIONS
from exporter.dashboards.bundle import FOLDER
from exporter.expose.catalogue import CATALOGUE
from exporter.rules.compose import rules_file
from exporter.rules.thresholds import Thresholds, default_thresholds, limits

_PLACEHOLDER = re.compile(r"\$\{([a-z_0-9]+(?:\.seconds)?)\}")


class _Places(Thresholds):
    """Leaves a place for each threshold, `%{name}` as in the dashboards: `${name}` is Grafana's."""

    def fill(self, text: str) -> str:
        """`text` with places in it."""
        return _PLACEHOLDER.sub(r"%{\1}", text)


def rules() -> str:
    """All groups, with places. Every alert has the link to its dashboard, which the template removes if need be."""
    values = default_thresholds().values
    return _json(yaml.safe_load(rules_file(_Places({**values, "grafana_url": "somewhere"}))))


def dashboards() -> Mapping[str, str]:
    """Every dashboard by file name, laid out as `dashboards export` does, with places."""
    return {path.name: _json(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.json"))}


def thresholds() -> str:
    """Each threshold's default as text; of a duration also the most seconds that it may be."""
    most = limits()
    return _json(
        {
            name: {"default": value, **({"most": most[name]} if name in most else {})}
            for name, value in default_thresholds().values.items()
        }
    )


def regions() -> str:
    """The hosts of integrator.io by region."""
    return _json(dict(REGIONS))


def labels() -> str:
    """Labels of an account's series."""
    own = {label for metric in CATALOGUE if metric.scoped for label in metric.labels}
    return _json(sorted(own | {"account", "environment"}))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
