"""What is logged while a test runs, read back from the lines themselves."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from exporter import logs
from exporter.clock import Clock

LIBRARIES = ("urllib3", "asyncio", "charset_normalizer", "uvicorn")


@dataclass
class Written:
    """Lines so far, in JSON."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def lines(self, message: str | None = None) -> list[dict[str, Any]]:
        """The fields of every line, or of those about one event."""
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in found if message is None or line["msg"] == message]


@contextmanager
def written(level: logs.LogLevel = "debug", clock: Clock | None = None) -> Iterator[Written]:
    """Inside, the process logs in JSON to what is yielded; afterwards as before."""
    root = logging.getLogger()
    handlers, before = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    root.handlers.clear()
    into = Written()
    logs.configure(level, "json", into.stream, clock)
    try:
        yield into
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        for name, library in levels.items():
            logging.getLogger(name).setLevel(library)
