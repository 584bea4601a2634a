"""What happened besides, as marks on every line of a board."""

from dataclasses import dataclass

from dashboards.source.palette import BAD, PURPLE, UNKNOWN, WARNING
from dashboards.source.scope import scoped


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks where `expr` finds something. The SDK has no place for a mark's texts, so this is Grafana's own form."""

    name: str
    expr: str
    colour: str
    title: str
    text: str = ""
    shown: bool = True

    def content(self) -> dict[str, object]:
        """As it stands in the board."""
        return {
            "name": self.name,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "enable": self.shown,
            "iconColor": self.colour,
            "expr": scoped(self.expr),
            "step": "60s",
            "titleFormat": self.title,
            "textFormat": self.text,
        }


DEPLOYED = Annotation(
    "Exporter deployed",
    "count by (version, revision) (celigo_exporter_build_info)"
    " unless count by (version, revision) (celigo_exporter_build_info offset 5m)",
    UNKNOWN,
    "celigo-exporter {{version}}",
)

CRITICAL = Annotation(
    "Critical alerts",
    'max by (alertname, account) (ALERTS{@account, alertstate="firing", severity="critical", alertname=~"Celigo.+"})',
    BAD,
    "{{alertname}}",
    "{{account}}",
)

FLOWS_TURNED_OFF = Annotation(
    "Flows switched off",
    'sum by (account) (celigo_integration_flows{@account, state="disabled"})'
    ' > sum by (account) (celigo_integration_flows{@account, state="disabled"} offset 2m)',
    WARNING,
    "Flows switched off",
    "{{account}}",
)


def of_integration(matchers: str) -> tuple[Annotation, ...]:
    """Critical alerts about the integration that `matchers` choose and its flows, and when flows were switched off."""
    critical = f'ALERTS{{{matchers}, alertstate="firing", severity="critical"}}'
    disabled = f'celigo_integration_flows{{{matchers}, state="disabled"}}'
    turned_off = f"max by (integration_id) ({disabled}) > max by (integration_id) ({disabled} offset 2m)"
    return (
        Annotation(
            "Critical alerts", f"max by (alertname, flow_name) ({critical})", BAD, "{{alertname}}", "{{flow_name}}"
        ),
        Annotation("Flows switched off", turned_off, WARNING, "Flows switched off"),
    )


def of_flow(matchers: str) -> tuple[Annotation, ...]:
    """What was done to the flows that `matchers` choose, and their alerts."""
    enabled = f"max by (flow_id) (celigo_flow_enabled{{{matchers}}})"
    before = f"max by (flow_id) (celigo_flow_enabled{{{matchers}}} offset 2m)"
    edited = f"max by (flow_id) (changes(celigo_flow_last_modified_timestamp_seconds{{{matchers}}}[2m])) > 0"
    firing = f'max by (alertname, severity, flow_name) (ALERTS{{{matchers}, alertstate="firing"}})'
    return (
        Annotation("Switched off", f"{enabled} < {before}", WARNING, "Switched off"),
        Annotation("Switched on", f"{enabled} > {before}", PURPLE, "Switched on"),
        Annotation("Edited", edited, PURPLE, "Edited"),
        Annotation("Alerts", firing, BAD, "{{alertname}}", "{{flow_name}}, {{severity}}"),
    )
