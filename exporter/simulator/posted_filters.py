"""Bodies of the two reading POSTs: filters and the method of the next page (contract 3.8, 3.9)."""

from collections.abc import Callable

from exporter.simulator.engine import Engine
from exporter.simulator.messages import Refused, Request, bad_query, envelope, json_body
from exporter.simulator.paging import Cursor
from exporter.simulator.resources import Flow, JsonObject


def posted(engine: Engine, request: Request) -> tuple[Cursor | None, JsonObject]:
    """Return cursor and body of a reading POST or of the fetch of its next page.

    Which method the next page takes is an option, as nobody knows (contract 1.6);
    the other one gets 405. A next page asked for by GET repeats the first body.
    """
    cursor = Cursor.read(request)
    mode = engine.options.next_page_method
    if request.method == "GET" and (cursor is None or mode == "POST"):
        raise Refused(envelope(405, "method_not_allowed", "Use POST.", (("Allow", "POST"),)))
    if request.method == "POST" and cursor is not None and mode == "GET":
        raise Refused(envelope(405, "method_not_allowed", "Use GET.", (("Allow", "GET"),)))
    if request.method == "GET" and cursor is not None:
        return cursor, cursor.body
    return cursor, json_body(request)


def flow_filter(body: JsonObject) -> Callable[[Flow, str | None], bool]:
    """Return which flows a posted filter selects; refuses bad filters with 400."""
    integrations, flows = _ids(body, "_integrationIds"), _ids(body, "_flowIds")
    if integrations is not None and flows is not None:
        raise bad_query("_integrationIds and _flowIds cannot be combined.")
    sandbox = body.get("sandbox")
    if sandbox is not None and not isinstance(sandbox, bool):
        raise bad_query("sandbox must be true or false.")

    def keep(flow: Flow, integration_id: str | None) -> bool:
        return (
            (sandbox is None or flow.sandbox == sandbox)
            and (integrations is None or (integration_id or "none") in integrations)
            and (flows is None or flow.id in flows)
        )

    return keep


def status_list(body: JsonObject, known: frozenset[str]) -> frozenset[str]:
    """Return the wanted statuses, all known ones by default; refuses others with 400."""
    wanted = _ids(body, "status")
    if wanted is None:
        return known
    if not wanted <= known:
        raise bad_query(f"status takes {', '.join(sorted(known))}.")
    return wanted


def _ids(body: JsonObject, name: str) -> frozenset[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_query(f"{name} must be a list of strings.")
    return frozenset(value)
