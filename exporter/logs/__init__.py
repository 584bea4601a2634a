"""Log lines: one event, one line, logfmt or JSON, and never a token.

Modules log through `logging.getLogger(__name__)` with a fixed message and values in `extra={"fields": {...}}`; each
message is listed in docs/logs.md. A value that measures ends in `_seconds`, `_bytes` or `_count`: it does not make an
event another one. Whoever reads a token registers it with `redact`; from then on it is replaced by stars wherever a
record would print it.
"""

from exporter.logs.context import context, current_fields, new_id, well_formed_id
from exporter.logs.handler import LEVELS, LineHandler, LogLevel, configure, tell_all, tell_ended
from exporter.logs.lines import FORMATS, LogFormat
from exporter.logs.redaction import KEPT_SECRETS, redact
from exporter.logs.uncaught import log_uncaught

__all__ = [
    "FORMATS",
    "KEPT_SECRETS",
    "LEVELS",
    "LineHandler",
    "LogFormat",
    "LogLevel",
    "configure",
    "context",
    "current_fields",
    "log_uncaught",
    "new_id",
    "redact",
    "tell_all",
    "tell_ended",
    "well_formed_id",
]
