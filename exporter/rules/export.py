"""The files that belong to the alert rules."""

from pathlib import Path

from exporter.files import write_files
from exporter.rules.compose import FILE_NAME, rules_file
from exporter.rules.thresholds import DEFAULTS, Thresholds

ALERTMANAGER = Path(__file__).with_name("alertmanager.example.yml")
"""Routing, grouping and inhibition to start from."""


def export(folder: str, thresholds: Thresholds) -> list[Path]:
    """Write rules with `thresholds`, the bundled thresholds and the Alertmanager example; their paths.

    Raises ConfigError when the folder cannot be written.
    """
    bundled = {path.name: path.read_text(encoding="utf-8") for path in (DEFAULTS, ALERTMANAGER)}
    return write_files(folder, {FILE_NAME: rules_file(thresholds), **bundled})
