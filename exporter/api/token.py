"""Where the token comes from, and how a rotated one is noticed."""

import logging
import os
import threading
from collections.abc import Mapping

from exporter.clock import Clock
from exporter.config.settings import TokenSource
from exporter.config.token_place import TOKEN_BYTES
from exporter.logs import redact
from exporter.secret import Secret

_log = logging.getLogger(__name__)


class TokenUnreadable(Exception):
    """The token cannot be had. `place` is the file or variable, `reason` one clause; never the content."""

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        self.reason = reason
        super().__init__(f"{place}: {reason}")


class TokenProvider:
    """Hands out the token; a token file is read again when it changed. Thread-safe.

    Raises TokenUnreadable when there is no usable token at the start. One that vanishes later is no failure: the last
    good token stays in use until the file is readable again.
    """

    def __init__(self, source: TokenSource, environ: Mapping[str, str], clock: Clock) -> None:
        self._source = source
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()  # guards everything below
        self._told: tuple[tuple[int, ...] | None, str] | None = None
        self._seen = self._fingerprint()
        self._token = self._read()

    def current(self) -> Secret:
        """The token to send now."""
        with self._lock:
            fingerprint = self._fingerprint()
            if fingerprint is not None and fingerprint != self._seen:
                self._reread(fingerprint)
            return self._token

    def refreshed_after_401(self, sent: Secret | None = None) -> bool:
        """Read the file again, changed or not; true when the token is now another than the one that was refused.

        `sent` is the refused one, by default the one in use: another worker may have read the new token meanwhile.
        """
        with self._lock:
            refused = self._token if sent is None else sent
            self._reread(self._fingerprint())
            return self._token != refused

    def reread(self) -> None:
        """Look for the token again where it is, changed or not."""
        with self._lock:
            self._reread(self._fingerprint())

    def _reread(self, fingerprint: tuple[int, ...] | None) -> None:
        before = self._token
        try:
            self._token = self._read()
        except TokenUnreadable as unreadable:
            if self._told != (fingerprint, unreadable.reason):
                _log.warning(
                    "a token cannot be read anew, the last one stays in use",
                    extra={"fields": {"place": unreadable.place, "problem": unreadable.reason}},
                )
            self._told = (fingerprint, unreadable.reason)
            return
        self._seen, self._told = fingerprint, None
        if self._token != before:
            _log.info("a token was read anew", extra={"fields": {"place": self._source.file or self._source.env}})

    def _fingerprint(self) -> tuple[int, ...] | None:
        if self._source.file is None:
            return None
        try:
            seen = os.stat(self._source.file)  # noqa: PTH116 - follows symbolic links, as mounted secrets need
        except OSError:
            return None
        return (seen.st_ino, seen.st_mtime_ns, seen.st_size)

    def _read(self) -> Secret:
        if self._source.file is not None:
            return _checked(self._source.file, _read_file(self._source.file))
        name = self._source.env or ""
        if name not in self._environ:
            raise TokenUnreadable(name, "the variable is not set")
        return _checked(name, self._environ[name])


def _read_file(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the path is the user's text
            content = file.read(TOKEN_BYTES + 1)
    except OSError as failure:
        raise TokenUnreadable(path, failure.strerror or "cannot be read") from None
    if len(content) > TOKEN_BYTES:
        raise TokenUnreadable(path, "over 64 KiB, so no token")
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise TokenUnreadable(path, "holds other than ASCII characters") from None


def _checked(place: str, text: str) -> Secret:
    token = text.strip()
    if not token:
        raise TokenUnreadable(place, "is empty")
    if not token.isascii() or not token.isprintable() or any(character.isspace() for character in token):
        raise TokenUnreadable(place, "holds spaces or unprintable characters inside the token")
    secret = Secret(token)
    redact(secret)
    return secret
