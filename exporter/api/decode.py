"""From body bytes to typed rows: a broken row is counted and left out, a broken body is an error."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Generic, TypeVar

import msgspec

from exporter.api.endpoints import Endpoint
from exporter.api.errors import InvalidJson, TooLarge, UnexpectedShape
from exporter.api.listing import ROWS
from exporter.api.models import Assigned, ConnectionBlock, Id, Instant, Row

R = TypeVar("R", bound=Row)
T = TypeVar("T")

_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANYTHING = msgspec.json.Decoder()
_ID = msgspec.json.Decoder(Id)

_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_FIRST, _LAST = (each.replace(tzinfo=UTC).timestamp() for each in (datetime.min, datetime.max))


def instant(text: str) -> Instant:
    """Unix seconds of an ISO 8601 text, UTC where it names no zone. Raises ValueError, also outside of the calendar."""
    at = datetime.fromisoformat(text)
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not _FIRST <= seconds < _LAST:
        raise ValueError("an instant out of range")
    return Instant(seconds)


def _hook(kind: type, value: object) -> object:
    if kind is ConnectionBlock:
        return ConnectionBlock(value)
    if kind is Instant:
        if not isinstance(value, str):
            raise ValueError("an instant is a text")
        try:
            return instant(value)
        except OverflowError:
            raise ValueError("an instant out of range") from None
    if kind is Assigned:
        return Assigned(bool(value))
    raise NotImplementedError(kind.__name__)  # how a hook tells msgspec that it does not know a type


class RowDecoder(Generic[R]):
    """Decodes rows of one kind.

    `row` decodes one and raises msgspec.ValidationError, ValueError, OverflowError or RecursionError; `identity` is
    what is left of a broken one, None when not even that can be read.
    """

    def __init__(self, kind: type[R]) -> None:
        self.row: Callable[[msgspec.Raw], R] = msgspec.json.Decoder(kind, dec_hook=_hook).decode
        self._key = msgspec.structs.fields(kind)[0].encode_name

    def identity(self, raw: msgspec.Raw) -> str | None:
        """The row's id, when the row is an object that has one. Raises nothing."""
        try:
            content = _RAW_OBJECT.decode(raw)
            return _ID.decode(content[self._key]) or None
        except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


@cache
def row_decoder(kind: type[R]) -> RowDecoder[R]:
    """The decoder of a kind of rows, made once; thread-safe, as it keeps nothing of what it decodes."""
    return RowDecoder(kind)


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """Rows of a body, how many were left out by reason, and the ids of those that show one."""

    rows: tuple[R, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    unread: frozenset[str] = frozenset()


def decode_one(body: bytes, kind: type[R], endpoint: Endpoint) -> R:
    """The single object of a body. Raises InvalidJson and UnexpectedShape."""
    body = _mended(body)
    _require_json(body, endpoint)
    try:
        return msgspec.json.Decoder(kind, dec_hook=_hook).decode(body)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
        raise _shape(endpoint) from None


def decode_optional(body: bytes, kind: type[R], endpoint: Endpoint) -> R | None:
    """The single object of a body; None for an empty body and for `null`. Raises InvalidJson and UnexpectedShape."""
    if body.strip() in {b"", b"null"}:
        return None
    return decode_one(body, kind, endpoint)


def decode_rows(body: bytes, decode: RowDecoder[R], endpoint: Endpoint) -> Rows[R]:
    """Rows of a body that is a bare array. An empty body is an empty list."""
    if not body.strip():
        return Rows()
    return _rows(_parsed(_RAW_LIST, _mended(body), endpoint), decode, endpoint)


def decode_keyed_rows(body: bytes, key: str, decode: RowDecoder[R], endpoint: Endpoint) -> tuple[Rows[R], str | None]:
    """Rows under `key` of an object, and its `nextPageURL`. An empty body is an empty list."""
    if not body.strip():
        return Rows(), None
    content: dict[str, msgspec.Raw] = _parsed(_RAW_OBJECT, _mended(body), endpoint)
    if key not in content:
        raise _shape(endpoint)
    rows = _rows(_parsed(_RAW_LIST, bytes(content[key]), endpoint), decode, endpoint)
    return rows, _next_page(content.get("nextPageURL"), endpoint)


def _next_page(raw: msgspec.Raw | None, endpoint: Endpoint) -> str | None:
    if raw is None:
        return None
    value = _parsed(_ANYTHING, bytes(raw), endpoint)
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise _shape(endpoint)
    return value


def _rows(raws: list[msgspec.Raw], decode: RowDecoder[R], endpoint: Endpoint) -> Rows[R]:
    if len(raws) > ROWS:
        raise TooLarge(endpoint.value, method=endpoint.method, status=200, detail=f"over {ROWS} rows")
    rows: list[R] = []
    rejected: Counter[str] = Counter()
    unread: set[str | None] = set()
    for raw in raws:
        try:
            rows.append(decode.row(raw))
            continue
        except (msgspec.ValidationError, ValueError) as problem:
            rejected[_reason(raw, str(problem))] += 1
        except (RecursionError, OverflowError):
            rejected["wrong_type"] += 1
        unread.add(decode.identity(raw))
    return Rows(tuple(rows), rejected, frozenset(name for name in unread if name is not None))


def _reason(raw: msgspec.Raw, problem: str) -> str:
    if not bytes(raw).lstrip().startswith(b"{"):
        return "not_an_object"
    if "missing required field" in problem:
        return "missing_id"
    if any(words in problem for words in ("isoformat", "instant", "must be in", "out of range", "year ")):
        return "bad_instant"
    return "wrong_type"


def _mended(body: bytes) -> bytes:
    """`body` with each half of a pair that stands alone replaced.

    Servers escape a name that was cut in the middle of an emoji like that. It must not cost the whole list.
    """
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _SURROGATES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def _parsed(decoder: "msgspec.json.Decoder[T]", body: bytes, endpoint: Endpoint) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.ValidationError, RecursionError):
        _require_json(body, endpoint)
        raise _shape(endpoint) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidJson(endpoint.value, method=endpoint.method, status=200) from None


def _require_json(body: bytes, endpoint: Endpoint) -> None:
    try:
        _ANYTHING.decode(body)
    except RecursionError:
        raise _shape(endpoint) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidJson(endpoint.value, method=endpoint.method, status=200) from None


def _shape(endpoint: Endpoint) -> UnexpectedShape:
    return UnexpectedShape(endpoint.value, method=endpoint.method, status=200)
