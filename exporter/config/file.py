"""Reading of a file that a person wrote."""

from exporter.config.problem import ConfigError

FILE_BYTES = 1024 * 1024
"""Largest file."""


def read_text(path: str) -> str:
    """The text of the file at `path`; raises ConfigError, in one line, for whatever is wrong with it."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path with a NUL byte must end in the same line as others
            raw = file.read(FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError("this file does not exist", source=path) from None
    except IsADirectoryError:
        raise ConfigError("this is a directory; expected a file", source=path) from None
    except PermissionError:
        raise ConfigError("this file may not be read by this user", source=path) from None
    except (OSError, ValueError):
        raise ConfigError("this file cannot be read", source=path) from None
    if len(raw) > FILE_BYTES:
        raise ConfigError(f"the file is over {FILE_BYTES // 1024} KiB", source=path)
    return _decoded(raw, path)


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
