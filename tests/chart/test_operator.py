"""What the Prometheus operator gets is what its definitions say, and finds the exporter."""

import re
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from exporter.expose.catalogue import CATALOGUE
from exporter.rules.thresholds import default_thresholds
from tests.chart.rendering import MINIMAL, SETS, Manifest, Release, everywhere, release, render

KINDS = {"ServiceMonitor", "PrometheusRule", "Probe"}

OF_TARGETS = {"job", "instance", "namespace", "service", "pod", "container", "endpoint"}
"""Labels that the operator gives to a target of a ServiceMonitor."""

monitored = pytest.mark.parametrize(
    "name", [name for name, values in SETS.items() if values.get("serviceMonitor", {}).get("enabled")]
)


@cache
def definition(kind: str) -> type[BaseModel]:
    # Takes five seconds, which those who only collect the tests need not spend.
    from cloudcoil.models.prometheus_operator import v1

    model: type[BaseModel] = getattr(v1, kind)
    return model


def unknown(manifest: Manifest) -> set[tuple[Any, ...]]:
    """Fields of an object that its definition does not have. Raises ValidationError for values that may not be."""
    kept = (
        definition(manifest["kind"]).model_validate(manifest).model_dump(by_alias=True, exclude_unset=True, mode="json")
    )
    paths = {path for path, _ in everywhere(manifest) if path[:1] != ("metadata",)}
    return paths - {path for path, _ in everywhere(kept)}


def endpoint_of(found: Release) -> dict[str, Any]:
    (endpoint,) = found.one("ServiceMonitor")["spec"]["endpoints"]
    assert isinstance(endpoint, dict)
    return endpoint


@pytest.mark.parametrize("name", SETS)
def test_every_object_of_the_operator_is_as_it_is_defined(name: str) -> None:
    for manifest in release(name).manifests:
        if manifest["kind"] in KINDS:
            assert unknown(manifest) == set()


def test_a_misspelt_field_and_a_bad_value_would_be_found() -> None:
    manifest = render({**MINIMAL, "serviceMonitor": {"enabled": True}}).one("ServiceMonitor")
    manifest["spec"]["endpoints"][0]["honourLabels"] = True
    assert unknown(manifest) == {("spec", "endpoints", 0, "honourLabels")}
    manifest["spec"]["endpoints"][0]["interval"] = "1 minute"
    with pytest.raises(ValidationError, match="interval"):
        unknown(manifest)


def test_a_probe_with_what_only_a_monitor_can_say_would_be_found() -> None:
    manifest = render({**MINIMAL, "probe": {"enabled": True}}).one("Probe")
    manifest["spec"] |= {"honorLabels": True, "params": {"collect[]": ["jobs"]}}
    assert {path[:2] for path in unknown(manifest)} == {("spec", "honorLabels"), ("spec", "params")}


@monitored
def test_a_monitor_finds_exactly_the_service_and_its_port(name: str) -> None:
    found = release(name)
    monitor, service = found.one("ServiceMonitor"), found.one("Service")
    assert monitor["spec"]["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint_of(found)["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert f"--web.telemetry-path={endpoint_of(found)['path']}" in found.container["args"]


@pytest.mark.parametrize("called", ["celigo-exporter", "monitoring"])
@pytest.mark.parametrize("name", ["monitoring", "names"])
def test_the_job_is_one_that_the_rules_look_for_whatever_is_called_what(name: str, called: str) -> None:
    found = render({**SETS[name], "dashboards": {"enabled": False}}, name=called)
    job = found.one("Service")["metadata"]["labels"][found.one("ServiceMonitor")["spec"]["jobLabel"]]
    looked_for = set(re.findall(r'job=~"([^"]*)"', found.texts["templates/prometheusrule.yaml"]))
    assert looked_for
    assert all(re.fullmatch(pattern, job) for pattern in looked_for)


@monitored
def test_no_label_of_the_exporter_is_renamed_because_a_target_has_it_too(name: str) -> None:
    endpoint = endpoint_of(release(name))
    dropped = {each["regex"] for each in endpoint["relabelings"] if each.get("action") == "labeldrop"}
    exported = {label for metric in CATALOGUE for label in metric.labels} | {"account", "environment"}
    assert exported & OF_TARGETS <= dropped
    assert endpoint["honorLabels"] is True


@monitored
def test_series_stay_the_same_when_a_pod_moves(name: str) -> None:
    relabelings = endpoint_of(release(name))["relabelings"]
    assert {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"} in relabelings


def test_relabelings_of_ones_own_come_after_those_of_the_chart() -> None:
    added = SETS["monitoring"]["serviceMonitor"]["relabelings"]
    plain = endpoint_of(render({**MINIMAL, "serviceMonitor": {"enabled": True}}))["relabelings"]
    assert endpoint_of(release("monitoring"))["relabelings"] == [*plain, *added]


def test_a_scrape_speaks_https_and_identifies_itself_when_the_exporter_wants_it() -> None:
    for name in ("tls", "authentication"):
        endpoint, given = endpoint_of(release(name)), SETS[name]["serviceMonitor"]
        assert endpoint["scheme"] == "https"
        assert endpoint["tlsConfig"] == given["tlsConfig"]
        assert endpoint.get("basicAuth") == given.get("basicAuth")
    assert endpoint_of(release("monitoring"))["scheme"] == "http"


def test_the_bundled_job_pattern_fits_the_charts_own_name() -> None:
    assert re.fullmatch(default_thresholds().values["job"], "celigo-exporter")
