"""Writing of the bundled files into a folder."""

from pathlib import Path

from exporter.config.problem import ConfigError
from exporter.rules.compose import FILE_NAME, rules_file
from exporter.rules.thresholds import DEFAULTS, Thresholds

ALERTMANAGER = Path(__file__).with_name("alertmanager.example.yml")
"""Routing, grouping and inhibition to start from."""


def export(folder: str, thresholds: Thresholds) -> list[Path]:
    """Write rules with `thresholds`, the bundled thresholds and the Alertmanager example; their paths.

    Raises ConfigError when the folder cannot be written.
    """
    place = Path(folder)
    bundled = {path.name: path.read_text(encoding="utf-8") for path in (DEFAULTS, ALERTMANAGER)}
    texts = {FILE_NAME: rules_file(thresholds), **bundled}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (place / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", source=folder) from None
    return [place / name for name in texts]
