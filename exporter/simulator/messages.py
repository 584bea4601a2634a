"""Requests and answers as the routes see them, free of sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from exporter.simulator.resources import JsonObject


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower case; `query` keeps order and repeats.

    `late_ms` is no part of what a client sends: a fault lays it on the request to tell the
    jobs list how long after its creation a row may stay out of sight; 0 for not at all.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    late_ms: int = 0

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> "Request":
        """Return the request for a target such as `/v1/flows?limit=3`."""
        path, _, query = target.partition("?")
        pairs = tuple(parse_qsl(query, keep_blank_values=True))
        return cls(method, path, pairs, headers or {}, body)

    def get(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a query parameter."""
        return [value for key, value in self.query if key == name]

    def without(self, *names: str) -> "Request":
        """Return the request without some query parameters."""
        return replace(self, query=tuple(pair for pair in self.query if pair[0] not in names))

    def target(self, **more: str) -> str:
        """Return path and query, with `more` put in place of parameters of that name."""
        pairs = [pair for pair in self.query if pair[0] not in more] + list(more.items())
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


class _Nothing:
    """The content of an answer without a body, as JSON null is a content."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, JSON content (or NOTHING) and extra headers."""

    status: int
    content: object = NOTHING
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self) -> bytes:
        """Return the body bytes; empty without content."""
        return b"" if self.content is NOTHING else msgspec.json.encode(self.content)


class Refused(Exception):
    """Raised by a route to answer with an error status."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


def envelope(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return the documented error shape (contract 1.5)."""
    return Answer(status, {"errors": [{"code": code, "message": message}]}, headers)


def bare(status: int, message: str) -> Answer:
    """Return the bare shape seen on 401 and 403 (contract 1.5)."""
    return Answer(status, {"message": message})


def bad_query(message: str, code: str = "invalid_query") -> Refused:
    """Return the refusal of a bad or missing filter."""
    return Refused(envelope(400, code, message))


def not_found(what: str) -> Refused:
    """Return the refusal of an unknown or purged id."""
    return Refused(envelope(404, "not_found", f"{what} does not exist."))


def json_body(request: Request) -> JsonObject:
    """Return the JSON object of a request body; refuses other types (415) and bad JSON (400)."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(envelope(415, "unsupported_media_type", "Only application/json is accepted."))
    try:
        content: object = msgspec.json.decode(request.body) if request.body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_query("The body is not JSON.", "invalid_json") from None
    if not isinstance(content, dict):
        raise bad_query("The body must be an object.", "invalid_json")
    return content
