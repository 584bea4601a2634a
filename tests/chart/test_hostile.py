"""No text in the values can become anything but the text that it is."""

import json
import re
from collections import Counter
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

ONE_LINE = [text for text in HOSTILE if not re.search(r"[\x00-\x1f\x7f-\x9f]", text)]
"""Those that the exporter takes as a name; the others are refused."""


def printable() -> st.SearchStrategy[str]:
    """Text without blanks and what cannot be seen."""
    return st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


RULES = {"prometheusRule": {"enabled": True}}


def texts_of(found: Release) -> list[Any]:
    return [value for manifest in found.manifests for _, value in everywhere(manifest)]


def shape(found: Release) -> list[tuple[Any, ...]]:
    """Every path of every object."""
    return [path for manifest in found.manifests for path, _ in everywhere(manifest)]


def harmless(texts: list[str]) -> list[str]:
    return [f"harmless {number}" for number in range(len(texts))]


def with_free_texts(texts: list[str]) -> dict[str, Any]:
    """Values that have each text in every place where any text may be."""
    named = {f"own-{number}": text for number, text in enumerate(texts)}
    return {
        **MINIMAL,
        "annotations": named,
        "podAnnotations": named,
        "extraEnv": [{"name": f"OWN_{number}", "value": text} for number, text in enumerate(texts)],
        "service": {"annotations": named},
        "serviceMonitor": {"enabled": True, "annotations": named},
        "prometheusRule": {
            "enabled": True,
            "annotations": named,
            "alertLabels": {f"own_{n}": t for n, t in enumerate(texts)},
        },
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": named}],
    }


def test_free_text_stays_text_and_changes_nothing_beside_it() -> None:
    found = render(with_free_texts(HOSTILE))
    assert shape(found) == shape(render(with_free_texts(harmless(HOSTILE))))
    alerts = [
        rule for group in found.one("PrometheusRule")["spec"]["groups"] for rule in group["rules"] if "alert" in rule
    ]
    counted = Counter(text for text in texts_of(found) if isinstance(text, str))
    assert {text: counted[text] for text in HOSTILE} == {text: 9 + len(alerts) for text in HOSTILE}


@pytest.mark.parametrize("text", [HOSTILE[0], HOSTILE[3], "null"])
def test_a_folder_in_grafana_stays_text(text: str) -> None:
    found = render({**MINIMAL, "dashboards": {"enabled": True, "folder": text}})
    assert texts_of(found).count(text) == 8


def with_names(names: list[str]) -> dict[str, Any]:
    accounts = [{"name": name, "environment": name, "existingSecret": {"name": "celigo"}} for name in names]
    return {"accounts": accounts, "config": {"filters": {"integrations": names}}}


def test_names_of_accounts_and_flows_arrive_as_they_are() -> None:
    found = render(with_names(ONE_LINE))
    held = yaml.safe_load(found.config)
    assert [account["name"] for account in held["accounts"]] == ONE_LINE
    assert [account["environment"] for account in held["accounts"]] == ONE_LINE
    assert held["filters"]["integrations"] == ONE_LINE
    assert shape(found) == shape(render(with_names(harmless(ONE_LINE))))


@pytest.mark.parametrize("text", ["\x85next", *(text for text in HOSTILE if text not in ONE_LINE)])
def test_text_of_several_lines_is_refused_where_the_exporter_wants_one(text: str) -> None:
    assert "/accounts/0/name" in refusal({"accounts": [{"name": text, "existingSecret": {"name": "celigo"}}]})
    assert "/thresholds/grafana_url" in refusal({**MINIMAL, "thresholds": {"grafana_url": text}})


@given(st.lists(printable(), min_size=1, max_size=20, unique=True))
@profile(max_examples=25)
def test_the_exporter_reads_the_names_that_were_given(names: list[str]) -> None:
    with_places = [{"name": name, "token_file": "/nowhere/token"} for name in names]
    text = render({"accounts": with_places, "config": {"filters": {"integrations": names}}}).config
    text = text.replace("token_file: /nowhere/token", "token_env: TOKEN")
    settings = parse_settings(text, "config.yml", {"TOKEN": "t1234"})
    assert [account.name for account in settings.accounts] == names
    assert list(settings.filters.integrations) == names


THRESHOLDS = ("grafana_url", "runbook_url", "app_url")
"""Those that may be any text of one line."""


@pytest.mark.parametrize("first", range(0, len(ONE_LINE), len(THRESHOLDS)))
def test_a_threshold_that_is_text_stays_within_its_string(first: int) -> None:
    texts = [text for text in ONE_LINE if "%{" not in text][first : first + len(THRESHOLDS)]
    given_ones = dict(zip(THRESHOLDS, texts, strict=False))
    found = render({**MINIMAL, "thresholds": {"grafana_url": "x", **given_ones}, **RULES})
    assert shape(found) == shape(render({**MINIMAL, "thresholds": {"grafana_url": "x"}, **RULES}))
    said = json.dumps(found.one("PrometheusRule"), ensure_ascii=False)
    for text, follows in zip(texts, ("/d/celigo-", "#celigo", "/home"), strict=False):
        assert json.dumps(text, ensure_ascii=False)[1:-1] + follows in said


def test_a_threshold_cannot_hold_the_place_of_another() -> None:
    assert "thresholds.grafana_url" in refusal({**MINIMAL, "thresholds": {"grafana_url": "%{job}"}, **RULES})
