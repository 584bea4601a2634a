"""A web configuration file with everything that belongs to it, ready to be used."""

import ssl
from dataclasses import dataclass

from exporter.config.file import read_text
from exporter.web.parse import parse_web_config
from exporter.web.settings import WebConfig
from exporter.web.tls import build_context


@dataclass(frozen=True, slots=True)
class WebAccess:
    """What new connections and requests go by. `context` None is plain HTTP."""

    config: WebConfig
    context: ssl.SSLContext | None = None


def load_web_access(path: str) -> WebAccess:
    """What the file at `path` and the files that it names say. Raises ConfigError, in one line, for what is wrong."""
    return ready(parse_web_config(read_text(path), path))


def ready(config: WebConfig) -> WebAccess:
    """`config` with its certificates read. Raises ConfigError."""
    return WebAccess(config, None if config.tls is None else build_context(config.tls, config.source))
