"""The boards, in the order in which people go through them."""

from dashboards.source.boards import fleet, governance

BOARDS = (fleet.BOARD, governance.BOARD)
