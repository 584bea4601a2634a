"""Why a state file or a Redis cannot be used, in a closed set of words."""

import sqlite3
from typing import Literal

Trouble = Literal[
    "full", "read_only", "no_access", "corrupt", "foreign", "newer", "replaced", "io", "unreachable", "refused"
]

TROUBLES: dict[Trouble, str] = {
    "full": "the disk is full; make room",
    "read_only": "the file or its folder may not be written; let this user write both",
    "no_access": "the file or its folder does not exist or may not be opened; create the folder or correct the path",
    "corrupt": "the file is damaged; move it away to begin anew",
    "foreign": "the file is not a state file of this exporter; correct the path",
    "newer": "the file was written by a newer version of this exporter; use that version or another file",
    "replaced": "the file was removed or replaced while in use; restart the exporter",
    "io": "reading or writing failed; look after the disk",
}
"""Every trouble of a state file and what people are told of it: the cause, and what to do."""

REDIS_TROUBLES: dict[Trouble, str] = {
    "unreachable": "Redis cannot be reached or does not answer in time; look after it and the way to it",
    "refused": "Redis refuses this user or what it asks for; correct the password or the ACL",
    "full": "Redis has no memory left for it; raise maxmemory",
    "read_only": "this Redis takes no changes; give the address of the one that does",
    "corrupt": "what Redis holds of it cannot be read; delete its keys to begin anew",
    "newer": "what Redis holds was written by a newer version of this exporter; use that version or another key_prefix",
    "io": "Redis answers with an error; look at its log",
}
"""Every trouble of a Redis and what people are told of it: the cause, and what to do."""

LASTING: frozenset[Trouble] = frozenset({"corrupt", "foreign", "newer", "replaced", "no_access"})
"""Troubles after which the file is left alone until the next start; the others may pass."""

_BY_CODE: tuple[tuple[str, Trouble], ...] = (
    ("SQLITE_FULL", "full"),
    ("SQLITE_READONLY", "read_only"),
    ("SQLITE_PERM", "read_only"),
    ("SQLITE_CANTOPEN", "no_access"),
    ("SQLITE_CORRUPT", "corrupt"),
    ("SQLITE_NOTADB", "corrupt"),
    ("SQLITE_SCHEMA", "corrupt"),
    ("SQLITE_MISMATCH", "corrupt"),
)


class Unusable(ValueError):
    """The file could be read, but is not for us."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(TROUBLES[trouble])
        self.trouble: Trouble = trouble


def trouble_of(failure: Exception) -> Trouble:
    """The word for a failure of SQLite, of the operating system, or of reading a row."""
    if isinstance(failure, Unusable):
        return failure.trouble
    if isinstance(failure, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return "no_access"
    if isinstance(failure, sqlite3.Error):
        code = getattr(failure, "sqlite_errorname", "") or ""
        known = next((trouble for name, trouble in _BY_CODE if code.startswith(name)), None)
        # Without a column or table that has to be there the file is not what its header says. A failure that has no
        # code of SQLite is Python's own, over a text that is none.
        unknown: Trouble = "corrupt" if code in {"", "SQLITE_ERROR"} else "io"
        return known or unknown
    return "corrupt" if isinstance(failure, ValueError) else "io"


def is_locked(failure: Exception) -> bool:
    """Whether another process holds the file."""
    code = getattr(failure, "sqlite_errorname", "") or ""
    return code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
