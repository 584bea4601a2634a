"""Nonsense is refused before anything is installed, with the key that is wrong."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft7Validator

from exporter.config.keys import COLLECTORS
from tests.chart.rendering import ACCOUNT, CHART, MINIMAL, SETS, Values, everywhere, refusal, render

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def account(**changed: Any) -> Values:
    return {"accounts": [{**ACCOUNT, **changed}]}


def also(path: str, value: Any) -> Values:
    """The smallest good values and one that is not."""
    values: dict[str, Any] = copy.deepcopy(dict(MINIMAL))
    *above, last = path.split(".")
    at = values
    for name in above:
        at = at.setdefault(name, {})
    at[last] = value
    return values


NONSENSE: Mapping[str, tuple[Values, str]] = {
    "unknown value": (also("replicaCount", 1), "replicaCount"),
    "unknown value within": (also("state.persistence.path", "/x"), "path"),
    "no list of accounts": ({"accounts": {"acme": {}}}, "/accounts"),
    "account without a name": ({"accounts": [{"existingSecret": {"name": "a"}}]}, "/accounts/0"),
    "account with a number for a name": (account(name=7), "/accounts/0/name"),
    "name longer than a label": (account(name="x" * 101), "/accounts/0/name"),
    "token in the values": (account(token="0123456789abcdef"), "token"),
    "token in the environment": (account(token_env="TOKEN"), "token_env"),
    "unknown region": (account(region="mars"), "/accounts/0/region"),
    "API in the clear": (account(base_url="http://api.example.com"), "/accounts/0/base_url"),
    "API with a password": (account(base_url="https://me:secret@api.example.com"), "/accounts/0/base_url"),
    "secret without a name": (account(existingSecret={"key": "token"}), "/accounts/0/existingSecret"),
    "secret with a name that none has": (account(existingSecret={"name": "A_B"}), "/accounts/0/existingSecret/name"),
    "key that leads elsewhere": (
        account(existingSecret={"name": "a", "key": "../b"}),
        "/accounts/0/existingSecret/key",
    ),
    "key that is the folder above": (
        account(existingSecret={"name": "a", "key": ".."}),
        "/accounts/0/existingSecret/key",
    ),
    "relative token file": (account(token_file="token"), "/accounts/0/token_file"),
    "no budget": (account(rate_limit={"burst": 0}), "/accounts/0/rate_limit/burst"),
    "accounts in the settings": (also("config.accounts", []), "accounts"),
    "state in the settings": (also("config.state", {"path": "/x"}), "state"),
    "unknown collector": (also("config.collectors.job", {}), "job"),
    "unknown key of a collector": (also("config.collectors.jobs.intervall", "1m"), "intervall"),
    "interval without a unit": (also("config.collectors.jobs.interval", 60), "/config/collectors/jobs/interval"),
    "interval with a wrong unit": (
        also("config.collectors.jobs.interval", "1 min"),
        "/config/collectors/jobs/interval",
    ),
    "unknown profile": (also("config.profile", "fat"), "/config/profile"),
    "owner of nothing": (also("config.ownership", [{"team": "a"}]), "/config/ownership/0"),
    "size without a unit": (also("config.limits.response_bytes", "64"), "/config/limits/response_bytes"),
    "too few series": (also("config.limits.series", 10), "/config/limits/series"),
    "too many replicas": (also("replicas", 101), "/replicas"),
    "newest image": (also("image.tag", "latest"), "/image/tag"),
    "tag that is none": (also("image.tag", "a:b"), "/image/tag"),
    "digest cut short": (also("image.digest", "sha256:abc"), "/image/digest"),
    "registry with a path": (also("image.registry", "ghcr.io/a"), "/image/registry"),
    "unknown pull policy": (also("image.pullPolicy", "Sometimes"), "/image/pullPolicy"),
    "unknown log level": (also("log.level", "trace"), "/log/level"),
    "privileged port": (also("web.port", 80), "/web/port"),
    "port as text": (also("service.port", "10940"), "/service/port"),
    "metrics at the root": (also("web.telemetryPath", "/"), "/web/telemetryPath"),
    "size that is none": (also("state.persistence.size", "big"), "/state/persistence/size"),
    "many readers": (also("state.persistence.accessModes", ["ReadOnlyMany"]), "/state/persistence/accessModes/0"),
    "persistence as text": (also("state.persistence.enabled", "yes"), "/state/persistence/enabled"),
    "unknown threshold": (also("thresholds.down", "5m"), "down"),
    "threshold without a unit": (also("thresholds.down_for", 300), "/thresholds/down_for"),
    "threshold in milliseconds": (also("thresholds.down_for", "300ms"), "/thresholds/down_for"),
    "threshold that is a duration": (also("thresholds.failed_runs", "5m"), "/thresholds/failed_runs"),
    "half a run": (also("thresholds.failed_runs", 2.5), "/thresholds/failed_runs"),
    "threshold that ends a query": (also("thresholds.job", 'a"} or vector(1) #'), "/thresholds/job"),
    "threshold of two lines": (also("thresholds.app_url", "https://a.example\n- b"), "/thresholds/app_url"),
    "unknown alert": (also("prometheusRule.disabled", ["CeligoNothing"]), "/prometheusRule/disabled/0"),
    "label that is none": (also("commonLabels", {"team": "a b"}), "/commonLabels/team"),
    "label with a bad name": (also("podLabels", {"-team": "a"}), "-team"),
    "alert label with a dash": (also("prometheusRule.alertLabels", {"my-team": "a"}), "my-team"),
    "annotation that is a number": (also("podAnnotations", {"a": 1}), "/podAnnotations/a"),
    "name with capitals": (also("fullnameOverride", "Exporter"), "/fullnameOverride"),
    "interval of nothing": (also("serviceMonitor.interval", ""), "/serviceMonitor/interval"),
    "network of a name": (
        also("networkPolicy.egress.api", [{"cidr": "api.integrator.io"}]),
        "/networkPolicy/egress/api/0/cidr",
    ),
    "no way to the API": (also("networkPolicy.egress.api", []), "/networkPolicy/egress/api"),
    "two disrupted": (also("podDisruptionBudget.maxUnavailable", 2), "/podDisruptionBudget/maxUnavailable"),
    "another question of a probe": (also("livenessProbe.httpGet", {"path": "/metrics"}), "httpGet"),
    "metrics where an account is": (also("web.telemetryPath", "/probe"), "/web/telemetryPath"),
    "metrics where the targets are": (also("web.telemetryPath", "/sd"), "/web/telemetryPath"),
    "metrics among the pages": (also("web.telemetryPath", "/-/metrics"), "/web/telemetryPath"),
    "unknown value of the probes": (also("probe.path", "/probe"), "path"),
    "probes every minute": (also("probe.interval", 60), "/probe/interval"),
    "probes of days": (also("probe.accounts", {"acme": {"interval": "1d"}}), "/probe/accounts/acme/interval"),
    "list of accounts to probe": (also("probe.accounts", ["acme"]), "/probe/accounts"),
    "account that differs in nothing": (also("probe.accounts", {"acme": {}}), "/probe/accounts/acme"),
    "unknown value of one probe": (also("probe.accounts", {"acme": {"timeout": "5s"}}), "timeout"),
    "file that a probe cannot name": (also("probe.tlsConfig", {"caFile": "/etc/ca.crt"}), "caFile"),
    "probe of half a series": (also("probe.sampleLimit", 0.5), "/probe/sampleLimit"),
    "argument that is a command": (also("extraArgs", ["demo"]), "/extraArgs/0"),
}

INCONSISTENT: Mapping[str, tuple[Values, str]] = {
    "no account": ({}, "accounts: name at least one account"),
    "an account and the demo": ({**MINIMAL, "demo": {"enabled": True}}, "demo.enabled"),
    "settings and the demo": ({"demo": {"enabled": True}, "config": {"profile": "lean"}}, "config: the demo"),
    "an account twice": ({"accounts": [ACCOUNT, ACCOUNT]}, 'accounts[1].name: the name "acme" is taken'),
    "no token": ({"accounts": [{"name": "acme"}]}, "accounts[0]: no token"),
    "two tokens": (account(token_file="/x/y"), "accounts[0]: existingSecret and token_file"),
    "two hosts": (account(region="eu", base_url="https://a.example"), "accounts[0]: region and base_url"),
    "TLS without a file": (also("web.config.tls", True), "web.config.existingSecret.name"),
    "passwords without a file": (also("web.config.authentication", True), "web.config.existingSecret.name"),
    "a certificate for nothing": (
        also("web.config", {"existingSecret": {"name": "a"}, "tlsSecret": {"name": "b"}}),
        "web.config.tls",
    ),
    "scrapes that would be refused": (
        {
            **also("web.config", {"existingSecret": {"name": "a"}, "authentication": True}),
            "serviceMonitor": {"enabled": True},
        },
        "serviceMonitor.basicAuth",
    ),
    "a monitor of no Service": (
        {**also("serviceMonitor.enabled", True), "service": {"enabled": False}},
        "service.enabled",
    ),
    "a scrape longer than its interval": (
        also("serviceMonitor", {"enabled": True, "interval": "1m", "scrapeTimeout": "1m1s"}),
        "serviceMonitor.scrapeTimeout",
    ),
    "probes that would be refused": (
        {
            **also("web.config", {"existingSecret": {"name": "a"}, "authentication": True}),
            "probe": {"enabled": True},
        },
        "probe.basicAuth",
    ),
    "probes of no Service": (
        {**also("probe.enabled", True), "service": {"enabled": False}},
        "service.enabled: a Probe",
    ),
    "probes longer than their interval": (
        also("probe", {"enabled": True, "interval": "10s", "scrapeTimeout": "1m"}),
        "probe.scrapeTimeout: 1m is longer than the interval, 10s",
    ),
    "a probe with an interval shorter than all may take": (
        also("probe", {"enabled": True, "accounts": {"acme": {"interval": "5s"}}}),
        'probe.accounts["acme"].scrapeTimeout: 10s is longer than the interval, 5s',
    ),
    "a probe that takes longer than the interval of all": (
        also("probe", {"enabled": True, "accounts": {"acme": {"scrapeTimeout": "1m1s"}}}),
        'probe.accounts["acme"].scrapeTimeout: 1m1s is longer than the interval, 60s',
    ),
    "a probe of an unknown account": (
        also("probe", {"enabled": True, "accounts": {"acme": {"interval": "5m"}, "acmee": {"interval": "5m"}}}),
        'probe.accounts: there is no account "acmee"; known: acme',
    ),
    "a probe of an account of the demo that it does not have": (
        {"demo": {"enabled": True}, "probe": {"enabled": True, "accounts": {"acme": {"interval": "5m"}}}},
        'probe.accounts: there is no account "acme"; known: demo',
    ),
    "a probe that renames the exporter's environment": (
        also(
            "probe",
            {"enabled": True, "relabelings": [{"targetLabel": "cluster"}, {"targetLabel": "environment"}]},
        ),
        'probe.relabelings[1].targetLabel: the exporter has a label "environment"',
    ),
    "a probe that renames the owner of a flow": (
        also("probe", {"enabled": True, "relabelings": [{"targetLabel": "team", "replacement": "a"}]}),
        'probe.relabelings[0].targetLabel: the exporter has a label "team"',
    ),
    "a probe of an account that the operator would rename": (
        {**account(name="acme $(HOME)"), "probe": {"enabled": True}},
        "accounts[0].name: a name with $(...) cannot be probed",
    ),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused_with_the_key_that_is_wrong(case: str) -> None:
    values, key = NONSENSE[case]
    said = refusal(values)
    assert "don't meet the specifications of the schema" in said
    assert key in said


@pytest.mark.parametrize("case", INCONSISTENT)
def test_values_that_do_not_fit_together_are_refused_with_what_to_do(case: str) -> None:
    values, said = INCONSISTENT[case]
    assert said in refusal(values)


def test_a_refusal_repeats_no_token() -> None:
    assert "0123456789abcdef" not in refusal(NONSENSE["token in the values"][0])


def test_the_schema_is_one_and_its_patterns_are_for_go() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    patterns = [value for path, value in everywhere(SCHEMA) if path[-1:] == ("pattern",) and isinstance(value, str)]
    assert patterns
    assert not [pattern for pattern in patterns if "(?" in pattern]


def test_every_mapping_of_ours_refuses_what_it_does_not_know() -> None:
    ours = [
        value
        for _, value in everywhere(SCHEMA)
        if isinstance(value, dict) and isinstance(value.get("properties"), dict)
    ]
    open_ones = [value for value in ours if value.get("additionalProperties") is not False and "type" in value]
    assert len(ours) > 40
    assert open_ones == []


def test_the_schema_knows_every_key_of_the_settings() -> None:
    known = SCHEMA["definitions"]["settings"]["properties"]["collectors"]["properties"]
    assert {name: set(collector["properties"]) for name, collector in known.items()} == {
        name: {key.name for key in keys} for name, keys in COLLECTORS.items()
    }


def test_a_parent_chart_may_have_its_condition_and_global_values() -> None:
    assert render({**MINIMAL, "global": {"anything": {"at": "all"}}, "enabled": True}).texts == render(MINIMAL).texts


@pytest.mark.parametrize("name", SETS)
def test_every_committed_set_fits_for_other_validators_too(name: str) -> None:
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(SETS[name])] == []
