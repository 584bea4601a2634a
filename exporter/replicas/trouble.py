"""The failure of Redis to do what it was asked for, with one of a closed set of words."""

import redis.exceptions as failures

from exporter.ledger.trouble import REDIS_TROUBLES, Trouble


class Away(Exception):
    """Redis did not do what it was asked for; `trouble` says why. Whether it was done all the same is not known."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(REDIS_TROUBLES[trouble])
        self.trouble: Trouble = trouble


def away(failure: Exception) -> Away:
    """The failure as one of ours. Nothing of its text goes on: it may repeat what was sent."""
    return Away(_trouble(failure))


def _trouble(failure: Exception) -> Trouble:
    match failure:
        case failures.AuthenticationError() | failures.AuthorizationError() | failures.NoPermissionError():
            return "refused"
        case failures.OutOfMemoryError():
            return "full"
        case failures.ReadOnlyError():
            return "read_only"
        case failures.BusyLoadingError() | failures.ConnectionError() | failures.TimeoutError() | OSError():
            return "unreachable"
        case failures.ResponseError():
            return _told(str(failure))
    return "io"


def _told(text: str) -> Trouble:
    """The trouble that a script ran into, whose message holds the one of the command that failed."""
    words: tuple[tuple[str, Trouble], ...] = (
        ("OOM", "full"),
        ("READONLY", "read_only"),
        ("NOPERM", "refused"),
        ("NOAUTH", "refused"),
        ("MASTERDOWN", "unreachable"),
        ("LOADING", "unreachable"),
        ("MISCONF", "read_only"),
    )
    return next((trouble for word, trouble in words if word in text[:300]), "io")
