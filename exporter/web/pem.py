"""PEM blocks on their way into OpenSSL: read once, and handed over without a file of ours on a disk."""

import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.config.file import read_text
from exporter.config.problem import ConfigError, without_tokens
from exporter.web.settings import Pem

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
_ENCRYPTED = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED", re.MULTILINE)


def content(pem: Pem, source: str | None) -> str:
    """The text of `pem`. Raises ConfigError that names `source` and the key when its file cannot be read."""
    if pem.text is not None:
        return pem.text.reveal()
    path = str(pem.path)
    told = _told(path, source)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - follows symbolic links; a pipe would block
            raise problem(pem, source, f"{told} is no regular file")
        return read_text(path)
    except OSError as failure:
        raise problem(pem, source, f"{told}: {failure.strerror or 'cannot be read'}") from None
    except ConfigError as failure:
        said = failure.problem if failure.source is None or failure.key else f"{told}: {failure.problem}"
        raise problem(pem, source, said) from None


def _told(path: str, source: str | None) -> str:
    """`path` for a message: what may be a key or a password that stands where its file belongs is not repeated."""
    folder = os.path.dirname(source) if source is not None else ""  # noqa: PTH120 - a path that is text stays text
    return folder + without_tokens(path.removeprefix(folder))


def problem(pem: Pem, source: str | None, text: str) -> ConfigError:
    """The error to raise about `pem`, named by the place where the configuration asks for it."""
    return ConfigError(text, source=source, line=pem.line, key=pem.key)


def certificates(text: str) -> list[str]:
    """The certificates in `text`, each by itself, without what people write between them."""
    return _CERTIFICATE.findall(text)


def is_encrypted(text: str) -> bool:
    """Whether `text` holds a key that needs a password, which nobody is there to type."""
    return _ENCRYPTED.search(text) is not None


@contextmanager
def as_path(text: str) -> Iterator[str]:
    """A path under which OpenSSL can read `text`: in memory where the system can, else a file for its owner alone."""
    raw = text.encode()
    if sys.platform == "linux":
        descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, raw)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(raw)
            file.flush()
            yield file.name
