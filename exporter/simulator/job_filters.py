"""What the query of the jobs list selects (contract 3.7)."""

import re
from collections.abc import Callable

from exporter.simulator.identity import digest
from exporter.simulator.messages import Request, bad_query
from exporter.simulator.query import instant
from exporter.simulator.resources import JsonObject
from exporter.simulator.runs import Run
from exporter.simulator.timestamps import parse_instant

_COUNT_FILTERS = {
    f"{field}_{bound}": (field, bound)
    for field in ("numError", "numSuccess", "numIgnore", "numExport", "numResolved")
    for bound in ("gte", "lte")
}

_PLAIN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

RunFilter = Callable[[Run], bool]
RowFilter = Callable[[JsonObject], bool]


def parent_id(request: Request) -> str | None:
    """Return the run whose steps are asked for."""
    return request.get("_flowJobId") or request.get("_parentJobId")


def run_filter(request: Request, kind: str | None, status: str | None) -> RunFilter:
    """Return which parent jobs a query selects, as far as the run itself tells."""
    integration_id = request.get("_integrationId")
    step_ids = {value for name in ("_exportId", "_importId") if (value := request.get(name))}
    gte, lte = instant(request, "startedAt_gte"), instant(request, "startedAt_lte")

    def keep(run: Run) -> bool:
        started = run.started_ms
        return (
            (kind is None or run.kind == kind)
            and (integration_id is None or (run.integration_id or "none") == integration_id)
            and (not step_ids or run.step_id in step_ids)
            and (status is None or run.status == status)
            and (gte is None or (started is not None and started >= gte))
            and (lte is None or (started is not None and started <= lte))
        )

    return keep


def refuse_mixed_backends(request: Request) -> None:
    """Refuse a plain date together with `numError_*` and an integration (contract 3.7)."""
    if not request.get("_integrationId") or not (request.get("numError_gte") or request.get("numError_lte")):
        return
    dates = (request.get(f"{field}_{bound}") for field in ("createdAt", "startedAt") for bound in ("gte", "lte"))
    if any(_PLAIN_DATE.match(date) for date in dates if date):
        raise bad_query("A plain date cannot be combined with numError and _integrationId.")


def row_filter(request: Request) -> RowFilter:
    """Return which rows a query selects by their counts."""
    bounds: list[tuple[str, str, int]] = []
    for name, (field, bound) in _COUNT_FILTERS.items():
        text = request.get(name)
        if text is None:
            continue
        if not text.isascii() or not text.isdigit():
            raise bad_query(f"{name} must be a number.")
        bounds.append((field, bound, int(text)))

    def keep(row: JsonObject) -> bool:
        for field, bound, limit in bounds:
            value = row.get(field, 0)
            if not isinstance(value, int) or (value < limit if bound == "gte" else value > limit):
                return False
        return True

    return keep


def visible_filter(request: Request, now_ms: int) -> RowFilter:
    """Return which rows can be seen at `now_ms` (simulated) while rows appear late.

    About half of the rows, told by a hash of their id, stay out of sight for the request's
    `late_ms` after their `createdAt`; the others are there at once and so overtake them.
    """
    if not request.late_ms:
        return lambda _: True

    def keep(row: JsonObject) -> bool:
        young = now_ms - parse_instant(str(row["createdAt"])) < request.late_ms
        return not (young and _dawdles(str(row["_id"])))

    return keep


def _dawdles(row_id: str) -> bool:
    # Ids depend on the account's seed already, so that the choice needs no seed of its own.
    return digest(0, "late", row_id)[0] % 2 == 0
