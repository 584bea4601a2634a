"""Reading of a file that a person wrote, or of a pipe that something writes into."""

import os
import select

from exporter.config.problem import ConfigError

FILE_BYTES = 1024 * 1024
"""Largest file."""

PIPE_SECONDS = 10.0
"""How long a pipe may be silent: a reload that waits for ever would keep all later ones from their turn."""

_CHUNK_BYTES = 65536


class _Silent(OSError):
    """Nothing came out of a pipe for too long."""


def read_text(path: str, patience: float = PIPE_SECONDS) -> str:
    """The text of the file at `path`; raises ConfigError, in one line, for whatever is wrong with it.

    A pipe that says nothing for `patience` seconds is given up.
    """
    try:
        raw = _read(path, patience)
    except FileNotFoundError:
        raise ConfigError("this file does not exist", source=path) from None
    except IsADirectoryError:
        raise ConfigError("this is a directory; expected a file", source=path) from None
    except PermissionError:
        raise ConfigError("this file may not be read by this user", source=path) from None
    except _Silent:
        raise ConfigError(f"nothing came out of this pipe for {patience:g} s", source=path) from None
    except (OSError, ValueError):
        raise ConfigError("this file cannot be read", source=path) from None
    if len(raw) > FILE_BYTES:
        raise ConfigError(f"the file is over {FILE_BYTES // 1024} KiB", source=path)
    return _decoded(raw, path)


def _read(path: str, patience: float) -> bytes:
    """At most one byte more than may be."""
    # A named pipe would keep `open` waiting for somebody who writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        raw = b""
        while len(raw) <= FILE_BYTES:
            if not ready.poll(patience * 1000):
                raise _Silent
            part = os.read(descriptor, min(_CHUNK_BYTES, FILE_BYTES + 1 - len(raw)))
            if not part:
                break
            raw += part
        return raw
    finally:
        os.close(descriptor)


def _decoded(raw: bytes, path: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("not valid UTF-8", source=path, line=line) from None
    if "\0" in text:
        raise ConfigError(
            "a NUL byte; this is no text file", source=path, line=text.count("\n", 0, text.index("\0")) + 1
        )
    return text
