"""The boards, in the order in which people go through them."""

from dashboards.source.boards import fleet, governance, integration

BOARDS = (fleet.BOARD, integration.BOARD, governance.BOARD)
