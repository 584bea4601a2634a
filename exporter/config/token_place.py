"""Whether there is a token where the settings say.

Looked at once at start, so that a slip ends with one line instead of a server that is refused by the API. The token
itself is thrown away again; the client reads it when it needs it.
"""

import codecs
import os
import re
import stat
from collections.abc import Mapping

from exporter.config.problem import TOKEN_LIKE_CHARACTERS, looks_like_token
from exporter.config.settings import TokenSource

TOKEN_BYTES = 64 * 1024
"""No token is longer; a larger file is some other file."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_variable_name(text: str) -> bool:
    """True when `text` can be the name of an environment variable."""
    return len(text) <= 200 and _VARIABLE.fullmatch(text) is not None


def may_be_token(path: str) -> bool:
    """True when `path` is more likely the token itself than the name of the file with it."""
    return "/" not in path and (len(path) > 24 or (len(path) >= TOKEN_LIKE_CHARACTERS and looks_like_token(path)))


def token_problem(token: TokenSource, environ: Mapping[str, str]) -> str | None:
    """What is wrong with the place of a token in words that do not hold it; None when a token is there."""
    if token.file is not None:
        return _file_problem(token.file)
    value = environ.get(token.env or "", "")
    if not value.strip():
        name = f" {token.env}" if token.env and not looks_like_token(token.env) else ""
        return f"the environment variable{name} is not set or empty"
    return _text_problem("the environment variable", value)


def _file_problem(path: str) -> str | None:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a path that is text stays text
            return "the token file is not a regular file"
        with open(path, "rb") as file:  # noqa: PTH123 - same
            raw = file.read(TOKEN_BYTES + 1)
    except FileNotFoundError:
        return "the token file does not exist"
    except PermissionError:
        return "the token file may not be read by this user"
    except (OSError, ValueError):
        return "the token file cannot be read"
    if len(raw) > TOKEN_BYTES:
        return f"the token file is over {TOKEN_BYTES // 1024} KiB, so it holds no token"
    if raw.startswith(codecs.BOM_UTF8):
        return "the token file starts with a byte order mark; save it as plain text"
    return _text_problem("the token file", raw.decode("latin-1"))


def _text_problem(where: str, value: str) -> str | None:
    text = value.strip()
    if not text:
        return f"{where} is empty"
    if any(char.isspace() for char in text):
        return f"{where} holds more than one word; expected the token alone"
    if not text.isascii() or not text.isprintable():
        return f"{where} holds characters that no token has"
    return None
