"""The boards, in the order in which people go through them."""

from dashboards.source.boards import api, connections, errors, fleet, flow, governance, integration, schedules

BOARDS = (
    fleet.BOARD,
    integration.BOARD,
    flow.BOARD,
    errors.BOARD,
    connections.BOARD,
    schedules.BOARD,
    api.BOARD,
    governance.BOARD,
)
