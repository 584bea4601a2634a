"""Resource lists and single resources: the calls paged by `Link` (contract 3.1 to 3.4, 3.10 to 3.16)."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from exporter.simulator.engine import Engine
from exporter.simulator.inventory_rows import (
    agent_row,
    connection_row,
    flow_row,
    integration_row,
    notification_row,
    queue_fields,
    step_row,
)
from exporter.simulator.messages import Answer, Request, not_found
from exporter.simulator.paging import Cursor, cut, link_page, page_limit
from exporter.simulator.projection import projection, refuse_projection
from exporter.simulator.query import flag
from exporter.simulator.resources import Connection, JsonObject


class Listed(Protocol):
    """What every listed resource has: its place in the list and an id."""

    @property
    def ordinal(self) -> int:
        """Place in order of creation."""

    @property
    def id(self) -> str:
        """The id."""


Resource = TypeVar("Resource", bound=Listed)


def token_info(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/tokenInfo."""
    del request
    return Answer(200, {"_userId": engine.account.user_id, "scope": "*"})


def list_integrations(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/integrations."""
    shape = projection(request)
    return linked(engine, request, engine.account.live_integrations(), lambda row: shape(integration_row(row)))


def get_integration(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/integrations/{integrationId}."""
    row = engine.account.integration_by_id.get(request.params["integrationId"])
    if row is None or row.deleted:
        raise not_found("The integration")
    return Answer(200, integration_row(row))


def list_flows(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows, filtered by integration, name and `disabled`."""
    shape = projection(request)
    disabled, name = flag(request, "disabled"), request.get("name")
    rows = [
        flow
        for flow in engine.account.live_flows()
        if _belongs(request, flow.integration_id)
        and (disabled is None or flow.enabled != disabled)
        and (name is None or flow.name == name)
    ]
    return linked(engine, request, rows, lambda row: shape(flow_row(row)))


def get_flow(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}."""
    flow = engine.account.flow_by_id.get(request.params["flowId"])
    if flow is None or flow.deleted:
        raise not_found("The flow")
    return Answer(200, flow_row(flow))


def list_connections(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/connections; `fetchQueueSize=true` adds the queue lengths."""
    shape = projection(request)
    queue = flag(request, "fetchQueueSize") or False
    rows = [row for row in engine.account.live_connections() if _belongs(request, row.integration_id)]

    def render(row: Connection) -> JsonObject:
        content = shape(connection_row(row, engine.now_ms, queue=False))
        return {**content, **queue_fields(row, engine.now_ms)} if queue else content

    return linked(engine, request, rows, render)


def get_connection(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/connections/{connectionId}; by id the queues are always there."""
    row = engine.account.connection_by_id.get(request.params["connectionId"])
    if row is None or row.deleted:
        raise not_found("The connection")
    return Answer(200, connection_row(row, engine.now_ms, queue=True))


def list_exports(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/exports."""
    return _list_steps(engine, request, "export")


def list_imports(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/imports, filtered by integration and adaptor type."""
    return _list_steps(engine, request, "import")


def list_agents(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/agents."""
    shape = projection(request)
    return linked(engine, request, engine.account.agents, lambda row: shape(agent_row(row, engine.now_ms)))


def list_notifications(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/notifications; without `users=all` only the caller's own."""
    refuse_projection(request)
    everyone = request.get("users") == "all"
    rows = [row for row in engine.account.notifications if everyone or row.own]
    return linked(engine, request, rows, lambda row: notification_row(row, engine.account.user_id))


def linked(
    engine: Engine, request: Request, rows: Sequence[Resource], render: Callable[[Resource], JsonObject]
) -> Answer:
    """Return one page of `rows`, which are in order of creation."""
    size = page_limit(request, engine.options.page_size)
    cursor = Cursor.read(request)
    page, last = cut(rows, lambda row: (row.ordinal, row.id), cursor, size)
    following = Cursor((cursor.page if cursor else 0) + 1, last.ordinal, last.id) if last else None
    return link_page(request, [render(row) for row in page], following)


def _list_steps(engine: Engine, request: Request, kind: str) -> Answer:
    shape = projection(request)
    adaptor = request.get("adaptorType") if kind == "import" else None
    rows = [
        step
        for step in engine.account.steps
        if step.kind == kind and _belongs(request, step.integration_id) and (adaptor is None or step.adaptor == adaptor)
    ]
    return linked(engine, request, rows, lambda row: shape(step_row(row)))


def _belongs(request: Request, integration_id: str | None) -> bool:
    wanted = request.params.get("integrationId") or request.get("_integrationId")
    return wanted is None or (integration_id or "none") == wanted
