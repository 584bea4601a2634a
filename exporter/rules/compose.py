"""From the source to the file that Prometheus loads.

To each alert come what it does not say itself: names, owner and region by a join, the labels that route it, and links
to its runbook and into integrator.io.
"""

import textwrap
from collections.abc import Mapping

import yaml

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

_PAGES: Mapping[Subject, str] = {
    "account": "/home",
    "integration": "/integrations/{{ $labels.integration_id }}/flows",
    "flow": "/integrations/{{ $labels.integration_id }}/flowBuilder/{{ $labels.flow_id }}",
    "connection": "/connections/edit/connections/{{ $labels.connection_id }}",
    "agent": "/agents",
}
"""Pages of integrator.io's web application."""

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


def _group(group: Group, thresholds: Thresholds) -> dict[str, object]:
    often = {} if group.interval is None else {"interval": group.interval}
    return {"name": group.name, **often, "rules": [_rule(rule, thresholds) for rule in group.rules]}


def _rule(rule: Recording | Alert, thresholds: Thresholds) -> Rule:
    fill = thresholds.fill
    if isinstance(rule, Recording):
        return {"record": rule.record, "expr": fill(rule.expr)}
    return {
        "alert": rule.alert,
        "expr": fill(_joined(rule)),
        **({} if rule.lasting == "0m" else {"for": fill(rule.lasting)}),
        "labels": {"severity": rule.severity, "scope": rule.about, **rule.labels},
        "annotations": {name: fill(text) for name, text in _annotations(rule).items()},
    }


def _joined(rule: Alert) -> str:
    if rule.about == "exporter":
        return rule.expr
    identity, names, labels = _JOINS[rule.about]
    inner = textwrap.indent(rule.expr.rstrip("\n"), "  ")
    return f"(\n{inner}\n)\n* on ({identity}) group_left ({names}) {labels}\n"


def _annotations(rule: Alert) -> dict[str, str]:
    texts = {
        "summary": rule.summary,
        "description": rule.description,
        "runbook_url": "${runbook_url}#" + rule.alert.lower(),
    }
    if rule.about in _PAGES:
        texts["link"] = "${app_url}" + _PAGES[rule.about]
    return texts
