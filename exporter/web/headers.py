"""Headers that a web configuration file may add to answers: the toolkit's list, and no other."""

from collections.abc import Mapping

from exporter.config.cursor import Cursor
from exporter.config.kinds import Kind
from exporter.config.problem import shown
from exporter.config.section import known_entries
from exporter.web.kinds import is_blank, plain_text

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
"""The values that each may have; none listed means any."""


def headers() -> Kind:
    """Pairs of name and value; one without a value is as if it were not there."""

    def read(at: Cursor) -> tuple[tuple[str, str], ...]:
        given = {name: value for name, value in known_entries(at, HEADERS).items() if not is_blank(value)}
        return tuple((name, _value(name, value)) for name, value in given.items())

    return Kind("mapping", read)


def _value(name: str, at: Cursor) -> str:
    text: str = plain_text().read(at)
    allowed = HEADERS[name]
    if allowed and text not in allowed:
        raise at.fail(f"expected {' or '.join(allowed)}, got {shown(text)}")
    if not text.isascii():
        raise at.fail("expected ASCII characters; a header cannot have others")
    return text
