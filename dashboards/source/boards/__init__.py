"""The boards, in the order in which people go through them."""

from dashboards.source.boards import connections, errors, fleet, flow, governance, integration

BOARDS = (fleet.BOARD, integration.BOARD, flow.BOARD, errors.BOARD, connections.BOARD, governance.BOARD)
