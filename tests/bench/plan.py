"""Contract 6 as numbers: how many calls a round of each reading may take."""

from math import ceil

from tests.e2e.simulated import FLOWS_OF_AN_INTEGRATION

ROWS_OF_A_PAGE = 1000
STEPS_OF_A_FLOW = 2
CONNECTION_PAGES = 5
LAST_EXPORTS = 100

ONCE = {
    "tokenInfo": 1,
    "jobs/current": 2,
    "jobs of flows": 2,
    "retries": 1,
    "tiles": 1,
    "integrations and agents": 2,
    "licences and their use": 2,
}
"""Calls that an account of any size takes, in a round."""


def requests_of_a_round(flows: int) -> int:
    """When everything is due at once and nothing has changed, so that nothing below the roll-ups is read."""
    integrations = ceil(flows / FLOWS_OF_AN_INTEGRATION)
    pages = ceil(flows / ROWS_OF_A_PAGE) + ceil(flows * STEPS_OF_A_FLOW / ROWS_OF_A_PAGE)
    statistics = ceil(flows / (10 * ROWS_OF_A_PAGE))
    return sum(ONCE.values()) + integrations + 1 + pages + statistics + CONNECTION_PAGES + LAST_EXPORTS


def requests_of_a_change(flows: int) -> int:
    """More than that when so many flows have new errors in one step: the flow's steps, and that step's errors."""
    return 2 * flows
