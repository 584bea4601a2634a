"""Licences and their use, audit, and the delta position of flows (contract 3.14, 3.15, 3.17)."""

from exporter.simulator.audit import AuditEntry
from exporter.simulator.engine import Engine
from exporter.simulator.error_routes import find_flow
from exporter.simulator.licenses import platform_row
from exporter.simulator.messages import Answer, Request, not_found
from exporter.simulator.options import DAY_MS
from exporter.simulator.paging import Cursor, cut, link_page, page_limit
from exporter.simulator.projection import refuse_projection
from exporter.simulator.query import choice, instant
from exporter.simulator.resources import JsonObject
from exporter.simulator.timestamps import iso

_AUDIT_SOURCES = frozenset({"ui", "api", "system", "connector", "script", "stack", "sso"})


def last_export_date_time(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}/lastExportDateTime; a flow that is no delta says nothing in four ways."""
    flow = find_flow(engine, request)
    if flow.is_delta and flow.last_executed_ms is not None:
        return Answer(200, {"lastExportDateTime": iso(flow.last_executed_ms)})
    match flow.ordinal % 4:
        case 0:
            return Answer(200, {})
        case 1:
            return Answer(200, None)
        case 2:
            return Answer(204)
        case _:
            raise not_found("The date")


def list_licenses(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/licenses: the platform licence and one of an integration app."""
    refuse_projection(request)
    page_limit(request, engine.options.page_size)
    account = engine.account
    day_ms = account.start_ms // DAY_MS * DAY_MS
    platform, app = account.licenses
    rows = [platform_row(platform, account.entitlements, day_ms)]
    connector = next((row for row in account.live_integrations() if row.connector_id), None)
    if connector is not None:
        rows.append(
            {
                "_id": app.id,
                "type": app.type,
                "_connectorId": connector.connector_id,
                "_integrationId": connector.id,
                "created": iso(day_ms - 300 * DAY_MS),
                "trialEndDate": iso(app.ends_ms),
            }
        )
    return link_page(request, rows, None)


def entitlement_usage(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/licenseEntitlementUsage."""
    del request
    account, use = engine.account, engine.account.entitlements
    content: JsonObject = {}
    for name, sandbox in (("production", False), ("sandbox", True)):
        enabled = [flow.id for flow in account.live_flows() if flow.enabled and flow.sandbox == sandbox]
        kinds = {(c.type, c.assistant) for c in account.live_connections() if c.sandbox == sandbox}
        block: JsonObject = {
            "endpointUsage": {"numConsumed": use["endpoints"].use(len(kinds), sandbox=sandbox), "endpoints": []},
            "flowUsage": {"numEnabled": use["flows"].use(len(enabled), sandbox=sandbox), "flows": enabled[:5]},
        }
        if not sandbox:
            online = sum(1 for agent in account.agents if agent.offline_since_ms is None)
            block["tradingPartnerUsage"] = {"numConsumed": use["trading_partners"].use(1, sandbox=sandbox)}
            block["agentUsage"] = {"numActive": use["agents"].use(online, sandbox=sandbox)}
        content[name] = block
    return Answer(200, content)


def list_audit(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/audit: newest first, filtered by type, resource, source, action and time."""
    refuse_projection(request)
    choice(request, "source", _AUDIT_SOURCES)
    rows = [entry for entry in reversed(engine.audit.entries) if _wanted(request, entry)]
    gte, lte = instant(request, "from"), instant(request, "to")
    rows = [row for row in rows if (gte is None or row.at_ms >= gte) and (lte is None or row.at_ms <= lte)]
    rows.sort(key=_key)
    size, cursor = page_limit(request, engine.options.page_size), Cursor.read(request)
    page, last = cut(rows, _key, cursor, size)
    following = Cursor((cursor.page if cursor else 0) + 1, *_key(last)) if last else None
    return link_page(request, [entry.row() for entry in page], following)


def _wanted(request: Request, entry: AuditEntry) -> bool:
    given = {
        "resourceType": entry.resource_type,
        "_resourceId": entry.resource_id,
        "_byUserId": entry.user_id,
        "source": entry.source,
        "action": entry.event,
    }
    return all(request.get(name) in (None, value) for name, value in given.items())


def _key(entry: AuditEntry) -> tuple[int, str]:
    return (-entry.at_ms, entry.id)
