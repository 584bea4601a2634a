"""How resources look in the lists of the API (contract 3.2, 3.4, 3.10, 3.12, 3.13, 3.16)."""

from exporter.simulator.resources import Agent, Connection, Flow, Integration, JsonObject, Notification, Step
from exporter.simulator.timestamps import iso

_MASK = "******"
_HEARTBEAT_MS = 30_000
_MOCK_RECORD: JsonObject = {"email": "jane.doe@customer.example", "phone": "+1-555-0142", "iban": "DE00 0000 0000"}


def integration_row(row: Integration) -> JsonObject:
    """Return an integration."""
    content: JsonObject = {
        "_id": row.id,
        "name": row.name,
        "description": f"sample integration {row.ordinal}",
        "mode": "settings",
        "sandbox": row.sandbox,
        "version": "1.4.0",
        "_registeredConnectionIds": list(row.connection_ids),
        "flowGroupings": [],
        "syncs": False,
        "createdAt": iso(row.created_ms),
        "lastModified": iso(row.modified_ms),
    }
    if row.tag:
        content["tag"] = row.tag
    if row.connector_id:
        content["_connectorId"] = row.connector_id
    return content


def flow_row(flow: Flow) -> JsonObject:
    """Return a flow; optional keys are missing when they have no value."""
    content: JsonObject = {"_id": flow.id, "name": flow.name, "disabled": not flow.enabled}
    optional = {
        "_integrationId": flow.integration_id,
        "schedule": _schedule(flow),
        "timezone": flow.timezone,
        "lastExecutedAt": _instant(flow.last_executed_ms),
        "resolvedAt": _instant(flow.resolved_ms),
    }
    content.update((key, value) for key, value in optional.items() if value is not None)
    content["createdAt"] = iso(flow.created_ms)
    content["lastModified"] = iso(flow.modified_ms)
    content.update(sandbox=flow.sandbox, free=False, skipRetries=False, autoResolveMatchingTraceKeys=flow.auto_resolve)
    _add_steps(content, flow)
    if flow.run_next:
        content["_runNextFlowIds"] = list(flow.run_next)
    if flow.debug_until_ms is not None:
        content["logging"] = {"debugUntil": iso(flow.debug_until_ms)}
    return content


def connection_row(row: Connection, now_ms: int, *, queue: bool) -> JsonObject:
    """Return a connection; queue lengths only on request, in one of two shapes."""
    content: JsonObject = {"_id": row.id, "name": row.name, "type": row.type, "sandbox": row.sandbox}
    if row.offline_since_ms is not None or row.ordinal % 2:
        content["offline"] = row.offline_since_ms is not None
    optional = {"assistant": row.assistant, "_agentId": row.agent_id, "_integrationId": row.integration_id}
    content.update((key, value) for key, value in optional.items() if value is not None)
    content[row.type] = _block(row)
    content["createdAt"] = iso(row.created_ms)
    content["lastModified"] = iso(row.offline_since_ms or row.created_ms)
    if row.ordinal % 16 == 3:
        content["debugDate"] = iso(row.created_ms + 3_600_000)
    if queue:
        content.update(queue_fields(row, now_ms))
    return content


def queue_fields(row: Connection, now_ms: int) -> JsonObject:
    """Return the queue length in the shape this connection answers with (contract 3.10)."""
    size = queue_size(row, now_ms)
    return {"queueSize": size} if row.ordinal % 8 == 5 else {"queues": [{"name": row.id, "size": size}]}


def queue_size(row: Connection, now_ms: int) -> int:
    """Return the waiting messages: a little noise while online, growing while offline, or as an incident says."""
    if row.backlog is not None:
        return row.backlog.size(now_ms)
    if row.offline_since_ms is not None:
        return 3 + (now_ms - row.offline_since_ms) // 20_000
    return (now_ms // 60_000 * (row.ordinal + 7)) % 23 if row.ordinal % 3 == 0 else 0


def step_row(step: Step) -> JsonObject:
    """Return an export or import with the payload-bearing fields nobody should read."""
    content: JsonObject = {"_id": step.id, "name": step.name, "adaptorType": step.adaptor, "sandbox": step.sandbox}
    optional = {"_connectionId": step.connection_id, "_integrationId": step.integration_id, "type": step.export_type}
    content.update((key, value) for key, value in optional.items() if value is not None)
    content["createdAt"] = iso(step.created_ms)
    content["lastModified"] = iso(step.created_ms)
    if step.kind == "export":
        content["isLookup"] = step.is_lookup
        content["mockOutput"] = {"page_of_records": [{"record": _MOCK_RECORD}]}
    else:
        content["mockResponse"] = [{"id": "1", "_json": _MOCK_RECORD}]
        content["mapping"] = {"fields": [{"extract": "email", "generate": "email"}]}
    return content


def agent_row(agent: Agent, now_ms: int) -> JsonObject:
    """Return an agent with the one state field it knows (contract 3.13)."""
    down_since = agent.offline_since_ms
    content: JsonObject = {
        "_id": agent.id,
        "name": agent.name,
        "description": "sample agent",
        "createdAt": iso(agent.created_ms),
        "lastModified": iso(agent.created_ms),
    }
    if agent.signal == "heartbeat":
        # One that went offline had its last heartbeat well before anybody noticed.
        beat_ms = now_ms if down_since is None else down_since - 700_000
        content["lastHeartbeatAt"] = iso(beat_ms // _HEARTBEAT_MS * _HEARTBEAT_MS)
    elif agent.signal == "online":
        content["online"] = down_since is None
    else:
        content["offline"] = down_since is not None
    return content


def notification_row(row: Notification, user_id: str) -> JsonObject:
    """Return a subscription with exactly one resource id."""
    return {
        "_id": row.id,
        "type": row.type,
        f"_{row.type}Id": row.resource_id,
        "subscribedByUser": {"_id": user_id, "email": "ops@customer.example"},
        "lastModified": iso(row.modified_ms),
    }


def _block(row: Connection) -> JsonObject:
    """The part that only connections of this type have."""
    content: JsonObject = {"host": "erp.customer.example", "username": "svc", "password": _MASK}
    if row.type == "rdbms":
        content = {"type": "snowflake" if row.ordinal % 2 else "postgresql", "password": _MASK}
    if row.concurrency is not None:
        content["concurrencyLevel"] = row.concurrency
    return content


def _add_steps(content: JsonObject, flow: Flow) -> None:
    if flow.legacy:
        content["_exportId"] = flow.generators[0].step.id
        content["_importId"] = flow.processors[0].id
        return
    generators: list[JsonObject] = []
    for generator in flow.generators:
        row: JsonObject = {"_exportId": generator.step.id}
        if generator.schedule is not None:
            row["schedule"] = generator.schedule
        generators.append(row)
    content["pageGenerators"] = generators
    if not flow.branches:
        content["pageProcessors"] = [_processor(step) for step in flow.processors]
        return
    branches = [{"name": b.name, "pageProcessors": [_processor(step) for step in b.steps]} for b in flow.branches]
    content["routers"] = [{"id": "r1", "routeRecordsTo": "first_matching_branch", "branches": branches}]


def _schedule(flow: Flow) -> str | JsonObject | None:
    """As text; some flows answer with an object of parts, which says too little to tell when they run (contract 2)."""
    if flow.schedule is None or not flow.opaque_schedule:
        return flow.schedule
    return {"frequency": "custom", "days": ["mon", "thu"]}


def _processor(step: Step) -> JsonObject:
    key = "_exportId" if step.kind == "export" else "_importId"
    return {"type": step.kind, key: step.id, "proceedOnFailure": False}


def _instant(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
