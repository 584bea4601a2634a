"""Flow: everything about one flow, from "does it run" down to its steps."""

from dashboards.source import annotations, variables
from dashboards.source.alerting import alerts_now, alerts_then
from dashboards.source.board import Board, Row
from dashboards.source.boards.flow_runs import DURATION, ENDED, FRESHNESS, LATE, RECORDS, RECORDS_OF_RUN
from dashboards.source.boards.flow_state import BANDS, STATE
from dashboards.source.boards.flow_things import CONNECTIONS, ERROR_AGES, FACTS, OPEN_ERRORS, STEP_ERRORS, STEP_RECORDS
from dashboards.source.links import page_link

_ALERTS = alerts_now(
    "Which alerts fire?",
    "Alerts that fire now about the flow, its connections and the agents before them, and those that say that the "
    "whole account stands or is not seen. From the alert rules; what is pending is not in it.",
    "@flow",
    "@flow",
    size=(12, 7),
)
_ALERTS_THEN = alerts_then(
    "Which alerts fired, and when?",
    "A band for each alert about the flow, its connections and agents, while it fires, on the colour of its severity. "
    "From ALERTS of the alert rules.",
    "@flow",
    "@flow",
    size=(24, 9),
)

BOARD = Board(
    uid="celigo-flow",
    title="Flow",
    answers=(
        "Does this flow run when it should, and does it succeed?",
        "If not: since when, and what stands in its way?",
        "What has it moved, and what does it owe?",
    ),
    variables=(
        variables.account(one=True),
        variables.environment(),
        variables.integration(one=True),
        variables.flow(),
        variables.steps(),
        variables.app_of_account(),
    ),
    rows=(
        Row(STATE),
        Row([BANDS]),
        Row([_ALERTS, CONNECTIONS]),
        Row([LATE, DURATION, RECORDS_OF_RUN]),
        Row([ENDED, FRESHNESS, RECORDS]),
        Row([OPEN_ERRORS, ERROR_AGES, STEP_ERRORS]),
        Row([FACTS]),
        Row([_ALERTS_THEN], title="Alerts over time", collapsed=True),
        Row([STEP_RECORDS], title="Records of its steps", collapsed=True),
    ),
    links=(page_link("This flow in integrator.io", "/integrations/${integration}/flowBuilder/${flow}"),),
    annotations=(*annotations.of_flow("@flow"), annotations.DEPLOYED),
)
