"""The demo's page in a real browser."""

import requests

from tests.browser import Chromium
from tests.e2e.processes import Demo, until


def test_a_browser_shows_the_account_and_what_happens_to_it(demo: Demo, chromium: Chromium) -> None:
    until(lambda: "celigo_flow_enabled" in requests.get(f"{demo.url}/metrics", timeout=30).text, "the inventory")
    with chromium.page() as watched:
        watched.page.goto(demo.url)
        watched.page.wait_for_load_state("networkidle")
        shown = watched.page.inner_text("body")
        for expected in ("demo is up", "auth", "inventory", "connections", "Budget", "sandbox", demo_host(demo)):
            assert expected in shown
        assert watched.page.get_by_role("link", name="Open in integrator.io").count() == 0, "it is no region's"
        assert watched.complaints == []
        assert watched.requests[0] == f"{demo.url}/"


def demo_host(demo: Demo) -> str:
    """Where the simulated account is."""
    return f"127.0.0.1:{demo.api_port}"
