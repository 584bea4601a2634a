"""`celigo-exporter metrics`: one collection, no server."""

from collections.abc import Mapping

from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.expose.render import Format
from exporter.serve.fleet import Fleet


def collect_once(settings: Settings, environ: Mapping[str, str], clock: Clock) -> bytes:
    """Run every collector of every account once and render what they found, in the text format.

    Each run ends by its own deadline at the latest. Raises ConfigError when a token cannot be read.
    """
    with Fleet(settings, environ, clock) as fleet:
        for future in fleet.trigger():
            future.result()
        return fleet.documents.content(None, Format.TEXT, compressed=False).content
