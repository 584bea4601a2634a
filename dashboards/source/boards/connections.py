"""Connections, agents, capacity: what is cut off and what it stops, whether it recovers, and where it is too narrow."""

from dashboards.source import annotations, variables
from dashboards.source.board import Board, Row
from dashboards.source.boards import capacity
from dashboards.source.boards.connection_scope import AGENTS, CONNECTION, named, named_once
from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.links import into_integrator, to_flow
from dashboards.source.palette import BAD, CALM, GOOD, UNKNOWN, WARNING
from dashboards.source.panels import Placed, number, timeline
from dashboards.source.query import Query, now
from dashboards.source.scope import (
    BY_AGENT,
    BY_CONNECTION,
    BY_FLOW,
    ON_AGENT,
    ON_CONNECTION,
    ON_FLOW,
    among,
    app,
    known_zero,
)
from dashboards.source.tables import Column, table_of

_ANY_BAD = Field("short", 0, above((1, BAD), base=CALM))
_ANY_WARNING = Field("short", 0, above((1, WARNING), base=CALM))
_ONLINE = "celigo_connection_online{@connection}"
_DOWN = "celigo:connection_down{@connection}"
_STOPPED = (
    "(group by (account, environment, connection_id, flow_id) "
    f"(celigo_flow_connection_info{{@connection}} and {ON_CONNECTION} {_DOWN}) "
    f"unless {ON_FLOW} celigo:flow_disabled{{@account}})"
)


def _figure(title: str, about: str, count: str, known: str, field: Field) -> Placed:
    return number(title, about, now(known_zero(count, known)), field, size=(4, 3))


_FIGURES = [
    _figure(
        "Connections offline",
        "Connections that integrator.io marks as offline. Normal: 0. An alert comes after %{offline_for} for one with "
        "enabled flows, unless its agent is the cause. From celigo_connection_online.",
        f"count({_DOWN})",
        _ONLINE,
        _ANY_BAD,
    ),
    _figure(
        "Enabled flows cut off",
        "Enabled flows with a step whose connection is offline: they cannot run until it is back. Normal: 0. From "
        "celigo_flow_connection_info, profile standard.",
        f"count(group {BY_FLOW} ({_STOPPED}))",
        "celigo_connection_flows{@connection}",
        _ANY_BAD,
    ),
    _figure(
        "Agents offline",
        "On-premise agents without a heartbeat: every connection behind them is cut off. An alert comes after "
        "%{agent_offline_for}. Accounts without an agent count as 0. From celigo_agent_online.",
        "count(celigo:agent_down{@account})",
        "celigo_up{@account}",
        _ANY_BAD,
    ),
    _figure(
        "Connections that flap",
        "Connections that went offline or online %{flapping_changes} times or more within %{flapping_window}, which is "
        "when an alert comes. Normal: 0. From celigo_connection_online.",
        f"count({capacity.CHANGES} >= %{{flapping_changes}})",
        _ONLINE,
        _ANY_WARNING,
    ),
    _figure(
        "Concurrency cut",
        "Connections that may make less than %{concurrency_ratio.percent} of the requests at once that they could at "
        "some time of the last day: integrator.io lowers it when the other side limits. Normal: 0. From "
        "celigo_connection_concurrency, profile standard.",
        f"count({capacity.CONCURRENCY} < {ON_CONNECTION} %{{concurrency_ratio}} * {capacity.HIGHEST})",
        "celigo_connection_online{@connection}",
        _ANY_WARNING,
    ),
    _figure(
        "Long queues",
        "Connections with more than %{backlog_messages} messages waiting; an alert comes when they also grow for "
        "%{backlog_for}. Normal: 0. From celigo_connection_queue_messages, profile standard.",
        f"count({capacity.QUEUE} > %{{backlog_messages}})",
        "celigo_connection_queue_messages{@connection}",
        _ANY_WARNING,
    ),
]

_FLOWS_BEHIND = f'max {BY_CONNECTION} (celigo_connection_flows{{@connection, state="enabled"}})'
_LAST_ONLINE = f"max {BY_CONNECTION} (max_over_time(timestamp({_ONLINE} == 1)[1d:5m]))"
_OFFLINE_FOR = (
    f"(time() - (max {BY_CONNECTION} "
    '(ALERTS_FOR_STATE{@connection, alertname="CeligoConnectionOffline"}) '
    f"or {_LAST_ONLINE}) or 86400 * {_DOWN})"
)
_CUT_OFF_FIRST = f"topk(30, {_FLOWS_BEHIND} and {ON_CONNECTION} {_DOWN} or {ON_CONNECTION} 0 * {_DOWN})"
_ITS_AGENT = (
    f"max {BY_CONNECTION} (celigo:connection_labels{{@connection}} * {ON_AGENT} group_left () "
    f"max {BY_AGENT} (celigo_agent_online{{@account}}))"
)
_CUT_OFF = table_of(
    "What is cut off, and since when?",
    "Connections that are offline, those with most enabled flows first. An alert comes after %{offline_for}, one that "
    "pages after %{not_recovering_for}: integrator.io tries again every hour. Behind an agent that is offline, "
    "mend the agent. 1 day means a day or longer. Without enabled flows there is no alert. From "
    "celigo_connection_online.",
    [
        app(named(_CUT_OFF_FIRST)),
        among(_DOWN, ON_CONNECTION, _OFFLINE_FOR),
        among(_DOWN, ON_CONNECTION, _ITS_AGENT),
    ],
    [
        CONNECTION,
        Column("type", "Type", width=100),
        Column("team", "Team", width=100),
        Column("Value #A", "Flows", Field("short", 0, above((1, WARNING))), width=75),
        Column(
            "Value #B",
            "Offline for",
            Field("s", 1, above((limit("offline_for"), WARNING), (limit("not_recovering_for"), BAD))),
            width=115,
        ),
        Column("agent_name", "Through agent", width=190),
        Column("Value #C", "Its agent", Field(states={"0": ("offline", BAD), "1": ("online", GOOD)}), width=90),
    ],
    size=(15, 7),
    none="No connection is offline, as of the newest data",
    sort="Flows",
)

_DOWN_BEHIND_AGENTS = among(
    "celigo:connection_down{@account}", ON_CONNECTION, 'celigo:connection_labels{@account, agent_id!=""}'
)
_AGENT_TABLE = table_of(
    "Is an agent the cause?",
    "On-premise agents, and how many connections go through each. An alert comes when one with connections is offline "
    "for %{agent_offline_for}. Not every account tells of heartbeats. From celigo_agent_online.",
    [
        app(f"max {BY_AGENT} (celigo_agent_online{{@account}}) {AGENTS}"),
        f"time() - max {BY_AGENT} (celigo_agent_last_heartbeat_timestamp_seconds{{@account}})",
        f"max {BY_AGENT} (celigo_agent_connections{{@account}})",
        f"count {BY_AGENT} ({_DOWN_BEHIND_AGENTS})",
    ],
    [
        Column("agent_name", "Agent", Field(links=(into_integrator("/agents"),))),
        Column("Value #A", "State", Field(states={"0": ("offline", BAD), "1": ("online", GOOD)}), width=80),
        Column("Value #B", "Heartbeat", Field("s", 0), width=100),
        Column("Value #C", "Connections", Field("short", 0), width=105),
        Column("Value #D", "Offline", Field("short", 0, above((1, BAD))), width=80),
    ],
    size=(9, 7),
    none="No agent, or the account may not list agents",
    sort="State",
    ascending=True,
)

_EXPECTED = among(
    "celigo:flow_blocked{@account}", ON_FLOW, "celigo_flow_next_expected_run_timestamp_seconds{@account} < time()"
)
_LATE = f"max {BY_FLOW} ({_EXPECTED})"
_LATEST = (
    f"topk(30, {_STOPPED} * {ON_FLOW} group_left () "
    f"(time() - {_LATE} or {ON_FLOW} 0 * celigo:flow_blocked{{@account}}))"
)
_FLOWS = table_of(
    "Which flows do they stop?",
    "The 30 enabled flows with a step whose connection is offline whose schedule is latest, and by how much. A flow "
    "through two such connections is there twice. From celigo_flow_connection_info, profile standard.",
    [
        app(
            f"{_LATEST} * {ON_FLOW} group_left (flow_name, integration_id, integration_name, team, tier, region) "
            f"celigo:flow_labels{{@account}} * {ON_CONNECTION} group_left (connection_name) "
            "celigo:connection_labels{@connection}"
        )
    ],
    [
        Column(
            "flow_name",
            "Flow",
            Field(links=(to_flow(), into_integrator("/integrations/{integration_id}/flowBuilder/{flow_id}"))),
        ),
        Column("integration_name", "Integration", width=190),
        Column("connection_name", "Through", width=190),
        Column("team", "Team", width=90),
        Column("tier", "Tier", width=80),
        Column("Value", "Late by", Field("s", 1, states={"0": ("-", UNKNOWN)}), width=95),
    ],
    size=(13, 8),
    none="No enabled flow is cut off, as of the newest data",
    sort="Late by",
)
_LEAST_ONLINE = f"bottomk(12, max {BY_CONNECTION} (avg_over_time({_ONLINE}[$__range] @ end())) < 1)"
_EVER_ONLINE = f"max {BY_CONNECTION} ({among(_LEAST_ONLINE, ON_CONNECTION, _ONLINE)})"
_PAST = timeline(
    "Do they recover?",
    "The 12 connections that were offline for most of the time shown; blue is online. From celigo_connection_online.",
    [Query(f"{_EVER_ONLINE} {named_once(_LEAST_ONLINE)}", "{{connection_name}}")],
    Field(states={"0": ("offline", BAD), "1": ("online", GOOD)}, none="No connection was offline in this time"),
    size=(11, 8),
)

BOARD = Board(
    uid="celigo-connections",
    title="Connections, agents, capacity",
    answers=(
        "What is cut off, what does it stop, and does it recover?",
        "Is an agent the cause?",
        "Where is capacity short?",
    ),
    variables=(variables.account(), variables.environment(), variables.connection()),
    rows=(
        Row(_FIGURES),
        Row([_CUT_OFF, _AGENT_TABLE]),
        Row([_FLOWS, _PAST]),
        Row(capacity.NOW),
        Row(capacity.PAST, title="Who waits, and who is limited?", collapsed=True),
        Row(capacity.RISKS, title="Where would it hurt most, what flaps, and what is being debugged?", collapsed=True),
    ),
    annotations=(annotations.CRITICAL, annotations.DEPLOYED),
)
