"""What a thread or task works on, for the lines that it writes: `account`, `collector`, `run_id`, `request_id`.

The fields follow the work: `Workers` hands them to its threads, the web server to its own.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_FIELDS: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))


@contextmanager
def context(**fields: object) -> Iterator[None]:
    """Inside, every line of this thread or task carries `fields`, besides those of the contexts around it."""
    before = _FIELDS.set({**_FIELDS.get(), **fields})
    try:
        yield
    finally:
        _FIELDS.reset(before)


def current_fields() -> Mapping[str, object]:
    """The fields of the contexts around the caller."""
    return _FIELDS.get()


def new_id() -> str:
    """A random id, 12 characters, for what is to be told apart in the log."""
    return secrets.token_hex(6)


def well_formed_id(text: str | None) -> str | None:
    """`text` when it can stand in a line as an id: 1 to 64 letters, digits, `.`, `_` and `-`. Else None."""
    return text if text is not None and _ID.fullmatch(text) else None
