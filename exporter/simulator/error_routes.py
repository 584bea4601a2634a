"""Open errors: per integration, per flow, per step; tiles (contract 3.3, 3.5, 3.6, 3.18)."""

from collections.abc import Callable

from exporter.simulator.engine import Engine
from exporter.simulator.messages import Answer, Request, not_found
from exporter.simulator.open_errors import ErrorRecord, StepErrors
from exporter.simulator.paging import Cursor, Key, body_page, cut
from exporter.simulator.query import flag, instant
from exporter.simulator.resources import Flow, JsonObject
from exporter.simulator.timestamps import iso


def integration_errors(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/integrations/{integrationId}/errors: open errors per flow.

    Flows without any are missing or have 0, some of each.
    """
    wanted = request.params["integrationId"]
    integration = engine.account.integration_by_id.get(wanted)
    if wanted != "none" and (integration is None or integration.deleted):
        raise not_found("The integration")
    sandbox = flag(request, "sandbox")
    rows: list[JsonObject] = []
    for flow in engine.account.live_flows_of(wanted):
        if sandbox not in (None, flow.sandbox):
            continue
        count = engine.errors.open_count(flow.id)
        if count or flow.ordinal % 2:
            rows.append(_count_row("_flowId", flow.id, count, engine.errors.last_ms(flow.id)))
    return Answer(200, rows) if rows else Answer(204)


def flow_errors(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}/errors: open errors per step."""
    flow = find_flow(engine, request)
    rows = [
        _count_row("_expOrImpId", step_id, len(step.open), step.bounds[1] if step.bounds else None)
        for step_id, step in engine.errors.steps(flow.id).items()
        if step.open or flow.ordinal % 2
    ]
    return Answer(200, {"flowErrors": rows}) if rows else Answer(204)


def step_errors(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}/{stepId}/errors: open records, newest first."""
    step = _find_step(engine, request)
    keep = _record_filter(request, "occurredAt", lambda record: record.occurred_ms)
    records = [record for record in step.open.values() if keep(record)]
    return _records(engine, request, "errors", records, lambda r: (-r.occurred_ms, r.id))


def step_resolved(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}/{stepId}/resolved: the newest resolved records."""
    step = _find_step(engine, request)
    keep = _record_filter(request, "resolvedAt", lambda record: record.resolved_ms or 0)
    records = [record for record in step.resolved if keep(record)]
    return _records(engine, request, "resolved", records, lambda r: (-(r.resolved_ms or 0), r.id))


def tiles(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/tiles: open errors per integration, standalone flows included."""
    del request
    totals: dict[str, tuple[int, int]] = {}
    for flow in engine.account.live_flows():
        errors, flows = totals.get(flow.integration_id or "none", (0, 0))
        totals[flow.integration_id or "none"] = (errors + engine.errors.open_count(flow.id), flows + 1)
    rows: list[JsonObject] = []
    for integration in engine.account.live_integrations():
        errors, flows = totals.get(integration.id, (0, 0))
        row: JsonObject = {
            "_integrationId": integration.id,
            "name": integration.name,
            "numError": errors,
            "numFlows": flows,
            "offlineConnections": [i for i in integration.connection_ids if i in engine.down],
            "sandbox": integration.sandbox,
            "status": "success",
        }
        rows.append(row)
    if "none" in totals:
        errors, flows = totals["none"]
        rows.append({"_integrationId": "none", "name": "Standalone flows", "numError": errors, "numFlows": flows})
    return Answer(200, rows) if rows else Answer(204)


def find_flow(engine: Engine, request: Request) -> Flow:
    """Return the flow of the path; 404 when unknown or deleted."""
    flow = engine.account.flow_by_id.get(request.params["flowId"])
    if flow is None or flow.deleted:
        raise not_found("The flow")
    return flow


def _find_step(engine: Engine, request: Request) -> StepErrors:
    flow, step_id = find_flow(engine, request), request.params["stepId"]
    if all(step.id != step_id for step in flow.steps):
        raise not_found("The step")
    return engine.errors.steps(flow.id).get(step_id) or StepErrors()


def _count_row(key: str, resource_id: str, count: int, last_ms: int | None) -> JsonObject:
    row: JsonObject = {key: resource_id, "numError": count}
    if last_ms is not None:
        row["lastErrorAt"] = iso(last_ms)
    return row


def _records(
    engine: Engine, request: Request, field: str, records: list[ErrorRecord], key: Callable[[ErrorRecord], Key]
) -> Answer:
    records.sort(key=key)
    cursor = Cursor.read(request)
    page, last = cut(records, key, cursor, engine.options.page_size)
    following = Cursor((cursor.page if cursor else 0) + 1, *key(last)) if last else None
    return body_page(request, field, [record.row(engine.options.retention_ms) for record in page], following)


def _record_filter(
    request: Request, field: str, time_of: Callable[[ErrorRecord], int]
) -> Callable[[ErrorRecord], bool]:
    gte, lte = instant(request, f"{field}_gte"), instant(request, f"{field}_lte")
    sources, classes = request.get_all("source"), request.get_all("classification")
    job_id = request.get("_flowJobId")

    def keep(record: ErrorRecord) -> bool:
        return (
            (gte is None or time_of(record) >= gte)
            and (lte is None or time_of(record) <= lte)
            and (not sources or record.kind.source in sources)
            and (not classes or (record.kind.classification or "none") in classes)
            and (job_id is None or (record.run is not None and record.run.id == job_id))
        )

    return keep
