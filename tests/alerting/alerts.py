"""The shipped alerts as Alertmanager gets them: name, severity, scope, and labels by scope."""

from dataclasses import dataclass

import yaml

from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds


@dataclass(frozen=True, slots=True)
class Alert:
    """What the rules say of one alert, whatever it fires for."""

    name: str
    severity: str
    scope: str


def shipped_alerts() -> dict[str, Alert]:
    """Every alert of the shipped rules."""
    groups = yaml.safe_load(rules_file(default_thresholds()))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: Alert(rule["alert"], rule["labels"]["severity"], rule["labels"]["scope"]) for rule in rules}


BY_SCOPE: dict[str, dict[str, str]] = {
    "exporter": {},
    "account": {},
    "integration": {"integration_id": "i1", "integration_name": "Shop to ERP"},
    "flow": {
        "flow_id": "f1",
        "flow_name": "Orders",
        "integration_id": "i1",
        "integration_name": "Shop to ERP",
        "team": "commerce",
        "tier": "gold",
    },
    "connection": {"connection_id": "c1", "connection_name": "NetSuite", "type": "netsuite", "agent_id": "g1"},
    "agent": {"agent_id": "g1", "agent_name": "cellar"},
}
"""Labels beside account, environment and region, by scope; all of them belong together."""


def firing(alert: Alert, account: str) -> dict[str, str]:
    """The labels of this alert as it fires for the sample flow, connection, agent or licence."""
    labels = {"alertname": alert.name, "severity": alert.severity, "scope": alert.scope, **BY_SCOPE[alert.scope]}
    if alert.scope != "exporter":
        labels |= {"account": account, "environment": "production", "region": "us"}
    if alert.name.startswith("CeligoLicense"):
        labels |= {"license_id": "l1", "type": "endpoint"}
    return labels
