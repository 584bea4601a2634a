"""Writing of bundled files into a folder of somebody's choice."""

from collections.abc import Mapping
from pathlib import Path

from exporter.config.problem import ConfigError


def write_files(folder: str, texts: Mapping[str, str]) -> list[Path]:
    """Write each text under its name into `folder`, which is made if need be; their paths.

    Raises ConfigError when the folder cannot be written.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (place / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", source=folder) from None
    return [place / name for name in texts]
