"""`python -m helm.source`: writes what of the chart is made from other files."""

from collections.abc import Mapping
from pathlib import Path

from helm.source import readme, schema
from helm.source.bundled import dashboards, labels, regions, rules, thresholds

CHART = Path(__file__).parents[1] / "celigo-exporter"


def made() -> Mapping[str, str]:
    """Every made file of the chart by its path in it."""
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    return {
        "files/rules.json": rules(),
        "files/thresholds.json": thresholds(),
        "files/regions.json": regions(),
        "files/labels.json": labels(),
        **{f"files/dashboards/{name}": text for name, text in dashboards().items()},
        "values.schema.json": schema.text(values),
        "README.md": readme.text(values),
    }


def write() -> None:
    """Write every made file, and remove dashboards that are no longer made."""
    files = made()
    for path in (CHART / "files").rglob("*.json"):
        if path.relative_to(CHART).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = CHART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
