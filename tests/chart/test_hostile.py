"""No text in the values can become anything but the text that it is."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from exporter.config.load import parse_settings
from tests.chart.rendering import MINIMAL, Release, everywhere, refusal, render

HOSTILE = [
    'x"\n  injected: true',
    "x'\n  injected: true",
    "x\n---\napiVersion: v1\nkind: Secret",
    "{{ .Release.Name }}",
    "{{ fail `no` }}",
    "${HOME} $(HOME) `id`",
    "a: b # c",
    "&anchor *alias !!python/object:os.system",
    "%{job}",
    "-",
    "yes",
    "null",
    "0123",
    "1e3",
    "12:30",
    "2030-01-31",
    "=",
    "<<",
    "\u2028\u200b\ufeff\U0001f600",
    "tab\tbell\x07",
]
"""Texts that mean something to YAML, Helm, shells or Prometheus."""

RULES = {"prometheusRule": {"enabled": True}}

anywhere = pytest.mark.parametrize("text", HOSTILE)


def texts_of(found: Release) -> list[Any]:
    return [value for manifest in found.manifests for _, value in everywhere(manifest)]


def shape(found: Release) -> list[tuple[Any, ...]]:
    """Every path of every object."""
    return [path for manifest in found.manifests for path, _ in everywhere(manifest)]


@anywhere
def test_free_text_stays_text_and_changes_nothing_beside_it(text: str) -> None:
    def values(said: str) -> dict[str, Any]:
        return {
            **MINIMAL,
            "annotations": {"own": said},
            "podAnnotations": {"own": said},
            "extraEnv": [{"name": "OWN", "value": said}],
            "service": {"annotations": {"own": said}},
            "serviceMonitor": {"enabled": True, "annotations": {"own": said}},
            "prometheusRule": {"enabled": True, "annotations": {"own": said}, "alertLabels": {"own": said}},
            "dashboards": {"enabled": True, "folder": said},
            "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": said}}],
        }

    found = render(values(text))
    assert shape(found) == shape(render(values("harmless")))
    assert found.workload["metadata"]["annotations"]["own"] == text
    assert found.container["env"][0]["value"] == text
    alerts = [
        rule for group in found.one("PrometheusRule")["spec"]["groups"] for rule in group["rules"] if "alert" in rule
    ]
    assert {rule["labels"]["own"] for rule in alerts} == {text}
    assert texts_of(found).count(text) == 9 + len(alerts) + 8


of_one_line = pytest.mark.parametrize(
    "text", [text for text in HOSTILE if not re.search(r"[\x00-\x1f\x7f-\x9f]", text)]
)
of_others = pytest.mark.parametrize(
    "text", ["\x85next", *(text for text in HOSTILE if re.search(r"[\x00-\x1f\x7f-\x9f]", text))]
)


@of_one_line
def test_names_of_accounts_and_flows_arrive_as_they_are(text: str) -> None:
    account = {"name": text, "environment": text, "existingSecret": {"name": "celigo"}}
    found = render({"accounts": [account], "config": {"filters": {"integrations": [text]}}})
    held = yaml.safe_load(found.config)
    assert held["accounts"][0]["name"] == held["accounts"][0]["environment"] == text
    assert held["filters"]["integrations"] == [text]
    assert shape(found) == shape(render({"accounts": [{**account, "name": "harmless"}]}))


@of_others
def test_text_of_several_lines_is_refused_where_the_exporter_wants_one(text: str) -> None:
    assert "/accounts/0/name" in refusal({"accounts": [{"name": text, "existingSecret": {"name": "celigo"}}]})
    assert "/thresholds/grafana_url" in refusal({**MINIMAL, "thresholds": {"grafana_url": text}})


printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@given(st.lists(printable, min_size=1, max_size=20, unique=True))
@profile(max_examples=25)
def test_the_exporter_reads_the_names_that_were_given(names: list[str]) -> None:
    with_places = [{"name": name, "token_file": "/nowhere/token"} for name in names]
    text = render({"accounts": with_places, "config": {"filters": {"integrations": names}}}).config
    settings = parse_settings(
        text.replace("token_file: /nowhere/token", "token_env: TOKEN"), "config.yml", {"TOKEN": "t1234"}
    )
    assert [account.name for account in settings.accounts] == names
    assert list(settings.filters.integrations) == names


@of_one_line
def test_a_threshold_that_is_text_stays_within_its_string(text: str) -> None:
    if "%{" in text:
        assert "thresholds.grafana_url" in refusal({**MINIMAL, "thresholds": {"grafana_url": text}, **RULES})
        return
    found = render({**MINIMAL, "thresholds": {"grafana_url": text}, **RULES})
    plain = render({**MINIMAL, "thresholds": {"grafana_url": "x"}, **RULES})
    assert shape(found) == shape(plain)
    said = json.dumps(found.one("PrometheusRule"), ensure_ascii=False)
    assert json.dumps(text, ensure_ascii=False)[1:-1] + "/d/celigo-" in said
