"""The files that belong to the dashboards."""

from pathlib import Path

from exporter.dashboards.bundle import boards
from exporter.files import write_files
from exporter.rules.thresholds import Thresholds

PROVISIONING = Path(__file__).with_name("provisioning.yml")
"""Tells Grafana to load the dashboards from a folder."""


def export(folder: str, thresholds: Thresholds) -> list[Path]:
    """Write every dashboard with `thresholds` in it, and the provisioning file; their paths.

    Raises ConfigError when the folder cannot be written.
    """
    texts = {**boards(thresholds), PROVISIONING.name: PROVISIONING.read_text(encoding="utf-8")}
    return write_files(folder, texts)
