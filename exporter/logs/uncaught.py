"""Exceptions that nobody caught, as lines of the log: the interpreter would print their texts and a traceback."""

import logging
import sys
import threading
from types import TracebackType

from exporter.bugs import bug_fields

_log = logging.getLogger(__name__)


def log_uncaught() -> None:
    """From now on the log tells of what ends a thread or the program, of what fails in a finaliser, and of warnings."""
    sys.excepthook = _program
    threading.excepthook = _thread
    sys.unraisablehook = _finaliser
    logging.captureWarnings(capture=True)


def _program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    del kind, trace
    _log.error("the program ends by a bug", extra={"fields": {**bug_fields(error)}})


def _thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        name = failed.thread.name if failed.thread is not None else ""
        _log.error("a thread ends by a bug", extra={"fields": {"thread": name, **bug_fields(failed.exc_value)}})


def _finaliser(failed: "sys.UnraisableHookArgs") -> None:
    if failed.exc_value is not None:
        _log.error("a clean-up has a bug", extra={"fields": {**bug_fields(failed.exc_value)}})
