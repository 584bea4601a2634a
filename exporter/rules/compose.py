"""From the source to the file that Prometheus loads.

To each alert come what it does not say itself: names, owner and region by a join, the labels that route it, and links
to its runbook and into integrator.io.
"""

import textwrap
from collections.abc import Iterator, Mapping

import yaml

from exporter.app_pages import PATHS
from exporter.rules.source import Alert, Group, Recording, Subject, groups
from exporter.rules.thresholds import Thresholds

FILE_NAME = "celigo.rules.yml"

_HEAD = """\
# Recording and alerting rules for celigo-exporter, made by `celigo-exporter rules export`. Change thresholds in a file
# of your own and give it to that command; what is changed here is lost with the next one.
# docs/runbooks.md has a section for each alert.
"""

_JOINS: Mapping[Subject, tuple[str, str, str]] = {
    "account": ("account, environment", "region", "celigo:account_labels"),
    "integration": (
        "account, environment, integration_id",
        "integration_name, team, region",
        "celigo:integration_labels",
    ),
    "flow": (
        "account, environment, flow_id",
        "flow_name, integration_id, integration_name, team, tier, region",
        "celigo:flow_labels",
    ),
    "connection": (
        "account, environment, connection_id",
        "connection_name, type, agent_id, team, region",
        "celigo:connection_labels",
    ),
    "agent": ("account, environment, agent_id", "agent_name, region", "celigo:agent_labels"),
}
"""By subject: what identifies it, the labels that come with it, and the series that has them."""

_PAGES: Mapping[str, str] = {
    about: path.replace("{", "{{ $labels.").replace("}", " }}") for about, path in PATHS.items()
}
"""Pages of integrator.io's web application."""

_WHOSE = "?var-account={{ $labels.account | urlquery }}&var-environment={{ $labels.environment | urlquery }}"
_OF_INTEGRATION = "&var-integration={{ $labels.integration_id }}"
_DASHBOARDS: Mapping[Subject, str] = {
    "exporter": "/d/celigo-api",
    "account": f"/d/celigo-fleet{_WHOSE}",
    "integration": f"/d/celigo-integration{_WHOSE}{_OF_INTEGRATION}",
    "flow": f"/d/celigo-flow{_WHOSE}{_OF_INTEGRATION}&var-flow={{{{ $labels.flow_id }}}}",
    "connection": f"/d/celigo-connections{_WHOSE}&var-connection={{{{ $labels.connection_id }}}}",
    "agent": f"/d/celigo-connections{_WHOSE}",
}
"""Dashboards by what an alert is about, with what is chosen there."""

TROUBLE = "celigo:flow_trouble"
"""Conditions of alerts about flows, by `trouble`; they need not have lasted long enough for the alert."""

Rule = dict[str, object]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that expressions stay readable."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else '"' if "{{" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def rules_file(thresholds: Thresholds) -> str:
    """The whole file."""
    content = {"groups": [_group(group, thresholds) for group in groups()]}
    body = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return _HEAD + body


def _group(group: Group, thresholds: Thresholds) -> Rule:
    often = {} if group.interval is None else {"interval": thresholds.fill(group.interval)}
    return {"name": group.name, **often, "rules": list(_rules(group, thresholds))}


def _rules(group: Group, thresholds: Thresholds) -> Iterator[Rule]:
    """Recordings as they are; for the alerts about flows first their conditions, then one join for all of them.

    Reading the names of ten thousand flows takes longer than most conditions: once a group instead of once an alert.
    """
    alerts = [rule for rule in group.rules if isinstance(rule, Alert)]
    for rule in group.rules:
        if isinstance(rule, Recording):
            yield {"record": rule.record, "expr": thresholds.fill(rule.expr)}
    flows = [alert for alert in alerts if alert.about == "flow"]
    for alert in flows:
        yield {"record": TROUBLE, "expr": thresholds.fill(alert.expr), "labels": {"trouble": alert.alert}}
    if flows:
        troubles = "|".join(alert.alert for alert in flows)
        yield {"record": named(group), "expr": _with_names(f'{TROUBLE}{{trouble=~"{troubles}"}}', "flow")}
    yield from (_alert(alert, group, thresholds) for alert in alerts)


def _alert(alert: Alert, group: Group, thresholds: Thresholds) -> Rule:
    fill = thresholds.fill
    own = f'max without (trouble) ({named(group)}{{trouble="{alert.alert}"}})'
    return {
        "alert": alert.alert,
        "expr": own if alert.about == "flow" else fill(joined(alert)),
        **({} if alert.lasting == "0m" else {"for": fill(alert.lasting)}),
        "labels": {"severity": alert.severity, "scope": alert.about, **alert.labels},
        "annotations": {name: fill(text) for name, text in _said(alert, thresholds).items()},
    }


def _said(alert: Alert, thresholds: Thresholds) -> dict[str, str]:
    """Texts of an alert without a link that would lead nowhere."""
    texts = annotations(alert)
    return texts if thresholds.values["grafana_url"] else {name: texts[name] for name in texts if name != "dashboard"}


def named(group: Group) -> str:
    """Series that has the conditions of a group's alerts about flows, with the flows' names."""
    return f"{TROUBLE}_named:{group.name.removeprefix('celigo.')}"


def joined(alert: Alert) -> str:
    """What an alert fires on, with placeholders: its condition and the names of what it is about."""
    if alert.about == "exporter":
        return alert.expr
    inner = textwrap.indent(alert.expr.rstrip("\n"), "  ")
    return _with_names(f"(\n{inner}\n)", alert.about)


def _with_names(condition: str, about: Subject) -> str:
    identity, names, labels = _JOINS[about]
    return f"{condition}\n* on ({identity}) group_left ({names}) {labels}\n"


def annotations(rule: Alert) -> dict[str, str]:
    """Texts of an alert, with placeholders."""
    texts = {
        "summary": rule.summary,
        "description": rule.description,
        "runbook_url": "${runbook_url}#" + rule.alert.lower(),
        "dashboard": "${grafana_url}" + _DASHBOARDS[rule.about],
    }
    if rule.about in _PAGES:
        texts["link"] = "${app_url}" + _PAGES[rule.about]
    return texts
