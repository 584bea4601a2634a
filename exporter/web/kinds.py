"""Kinds of values that only a web configuration file has; see `exporter.config.kinds` for the others."""

import re
from collections.abc import Collection

from exporter.config.cursor import Cursor
from exporter.config.kinds import Kind, local_path, one_line
from exporter.config.nodes import Scalar
from exporter.config.problem import suggestion
from exporter.secret import Secret
from exporter.web.settings import CLIENT_AUTHS, ClientAuth, Pem
from exporter.web.suites import CURVES, SUITES, SUITES_13

TEXT_CHARACTERS = 2000
"""Longest header value and alternative name."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|μs|ms|s|m|h)")
_SUITE_NAME = re.compile(r"TLS_[A-Z0-9_]{1,60}")
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


def is_blank(at: Cursor) -> bool:
    """Whether nothing stands here, or an empty text: to a web configuration file both are as if the key were not."""
    return isinstance(at.node, Scalar) and (at.node.tag == "null" or not at.node.text)


def pem_file() -> Kind:
    """A file of PEM blocks."""

    def read(at: Cursor) -> Pem:
        return Pem(path=local_path().read(at), key=at.path, line=at.node.line)

    return Kind("path", read)


def pem_text() -> Kind:
    """PEM blocks in the file itself."""

    def read(at: Cursor) -> Pem:
        return Pem(text=Secret(at.scalar("PEM blocks").text), key=at.path, line=at.node.line)

    return Kind("PEM text", read)


def client_auth() -> Kind:
    """What is asked of a client. Two of Go's words are refused: a certificate that nobody verifies protects nothing."""

    def read(at: Cursor) -> ClientAuth:
        word = at.scalar(f"one of {', '.join(CLIENT_AUTHS)}").text
        for known in CLIENT_AUTHS:
            if word == known:
                return known
        if word in _UNVERIFIED:
            problem = f"{word} lets any certificate in and is not supported; use RequireAndVerifyClientCert"
            raise at.fail(problem)
        raise _not_among(at, word, CLIENT_AUTHS)

    return Kind("one of " + ", ".join(f"`{word}`" for word in CLIENT_AUTHS), read)


def suite() -> Kind:
    """A cipher suite by Go's name."""

    def read(at: Cursor) -> str:
        word = at.scalar("the name of a cipher suite").text
        if word in SUITES or word in SUITES_13:
            return word
        # Such a name is as long as a token, and none.
        called = word if _SUITE_NAME.fullmatch(word) else at.described()
        problem = f"{called} is no suite that Go calls secure;{suggestion(word, [*SUITES, *SUITES_13])}"
        raise at.fail(problem.removesuffix(";"))

    return Kind("cipher suite", read)


def curve() -> Kind:
    """An elliptic curve by Go's name."""

    def read(at: Cursor) -> str:
        word = at.scalar("the name of a curve").text
        if word not in CURVES:
            raise _not_among(at, word, CURVES)
        return word

    return Kind("curve", read)


def plain_text() -> Kind:
    """One line of text."""

    def read(at: Cursor) -> str:
        return one_line(at, at.scalar("text").text, TEXT_CHARACTERS)

    return Kind("text", read)


def go_duration() -> Kind:
    """A duration as Go writes it, or 0; in seconds inside."""
    what = "a duration with its unit, such as 100ms or 1s"

    def read(at: Cursor) -> float:
        seconds = parse_go_duration(at.scalar(what).text)
        if seconds is None:
            raise at.expected(what)
        return seconds

    return Kind("duration", read)


def parse_go_duration(text: str) -> float | None:
    """Seconds of `1m30s`, `0.5s`, `100us` or `0`; None for anything else, and for what is negative."""
    if text == "0":
        return 0.0
    if not text or _PART.sub("", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _not_among(at: Cursor, word: str, known: Collection[str]) -> Exception:
    problem = f"expected one of {', '.join(known)}, got {at.described()};"
    return at.fail((problem + suggestion(word, known)).removesuffix(";"))
