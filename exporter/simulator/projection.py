"""`include` and `exclude` on resource lists (contract 1.7)."""

import re
from collections.abc import Callable

from exporter.simulator.messages import Refused, Request, bad_query, envelope
from exporter.simulator.resources import JsonObject

_ALLOWED = re.compile(r"[A-Za-z0-9_.,]*\Z")
_ALWAYS = ("_id", "name", "adaptorType")
# Payload-bearing fields come back whatever is asked for; a client must not rely on projection.
_STUBBORN = ("mockOutput", "mockResponse")

Projection = Callable[[JsonObject], JsonObject]


def projection(request: Request) -> Projection:
    """Return how to cut the rows of a list; refuses bad parameters with 400."""
    if request.get("include[]") is not None:
        raise Refused(envelope(500, "internal_error", "Unexpected failure."))
    include, exclude = request.get("include"), request.get("exclude")
    if include is not None and exclude is not None:
        raise bad_query("include and exclude cannot be combined.", "invalid_query_params")
    if not _ALLOWED.match(include or "") or not _ALLOWED.match(exclude or ""):
        raise bad_query("include and exclude take names, dots and commas.", "invalid_query_params")
    if include:
        wanted = [path for path in include.split(",") if path]
        return lambda row: _only(row, wanted)
    if exclude:
        unwanted = [path for path in exclude.split(",") if path]
        return lambda row: _without(row, unwanted)
    return lambda row: row


def refuse_projection(request: Request) -> None:
    """Refuse include and exclude on the lists that do not know them."""
    if request.get("include") is not None or request.get("exclude") is not None:
        raise bad_query("This list cannot be projected.", "invalid_query_params")


def _only(row: JsonObject, wanted: list[str]) -> JsonObject:
    kept = {key: value for key, value in row.items() if key in _ALWAYS or key in _STUBBORN}
    for path in wanted:
        _copy(row, kept, path.split("."))
    return {key: kept[key] for key in row if key in kept}


def _copy(source: JsonObject, target: JsonObject, names: list[str]) -> None:
    name, *rest = names
    value = source.get(name)
    if name not in source:
        return
    if not rest:
        target[name] = value
    elif isinstance(value, dict):
        inner = target.setdefault(name, {})
        if isinstance(inner, dict):
            _copy(value, inner, rest)


def _without(row: JsonObject, unwanted: list[str]) -> JsonObject:
    for path in unwanted:
        if path != "_id" and path not in _STUBBORN:
            row = _removed(row, path.split("."))
    return row


def _removed(row: JsonObject, names: list[str]) -> JsonObject:
    name, *rest = names
    value = row.get(name)
    if rest and isinstance(value, dict):
        return {**row, name: _removed(value, rest)}
    return row if rest else {key: value for key, value in row.items() if key != name}
