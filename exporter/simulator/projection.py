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
    names = {path.partition(".")[0] for path in wanted}.union(_ALWAYS, _STUBBORN)
    return {key: value for key, value in row.items() if key in names}


def _without(row: JsonObject, unwanted: list[str]) -> JsonObject:
    names = set(unwanted).difference(("_id", *_STUBBORN))
    return {key: value for key, value in row.items() if key not in names}
