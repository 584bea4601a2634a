"""Where a bug of ours happened, for the log: the class and the places, never the exception's text.

The text of an exception may hold whatever the code was working on, a record's content included.
"""

import traceback
from pathlib import PurePath

_PLACES = 12


def bug_fields(error: BaseException) -> dict[str, object]:
    """Log fields of an unexpected exception: its class and the calls that led to it, the innermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return {"exception": type(error).__name__, "at": " < ".join(places)}
