"""Pages of integrator.io's web application: where people see the thing that is told of.

The paths are shared by the alert rules and by the page at `/`.
"""

from collections.abc import Mapping
from typing import Literal

from exporter.api.endpoints import is_id
from exporter.config.settings import REGIONS, Account

Shown = Literal["account", "integration", "flow", "connection", "agent"]

PATHS: Mapping[Shown, str] = {
    "account": "/home",
    "integration": "/integrations/{integration_id}/flows",
    "flow": "/integrations/{integration_id}/flowBuilder/{flow_id}",
    "connection": "/connections/edit/connections/{connection_id}",
    "agent": "/agents",
}
"""Path of each page; ids stand in braces."""


def app_host(account: Account) -> str | None:
    """The application's host in the account's region, None for a `base_url` that is no region's."""
    region = account.region or next((name for name, url in REGIONS.items() if url == account.base_url), None)
    return None if region is None else REGIONS[region].removeprefix("https://api.")


def app_page(account: Account, about: Shown, **ids: str) -> str | None:
    """URL of a page; None when the account's region is not known, or an id is none: it must not change the page."""
    host = app_host(account)
    if host is None or not all(map(is_id, ids.values())):
        return None
    return f"https://{host}{PATHS[about].format(**ids)}"
