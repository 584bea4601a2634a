"""Every committed value set is linted, rendered and valid: in Helm, in Kubernetes and for the Prometheus operator."""

import pytest
import yaml
from helm_python import lint

from tests.chart.kubernetes import NEWEST, problems
from tests.chart.rendering import CHART, MINIMAL, SETS, Manifest, release, render

OLDEST = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
FOREIGN = {"ServiceMonitor", "Probe", "PrometheusRule", "CiliumNetworkPolicy", "ExternalSecret"}
"""Kinds that Kubernetes itself does not know."""

of_every_set = pytest.mark.parametrize("name", SETS)


def own(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] not in FOREIGN]


def test_there_are_sets_for_every_part_of_the_chart() -> None:
    kinds = {manifest["kind"] for name in SETS for manifest in release(name).manifests}
    assert len(SETS) >= 12
    assert kinds == FOREIGN | {
        *("StatefulSet", "Deployment", "Pod", "ConfigMap", "Service", "ServiceAccount"),
        *("NetworkPolicy", "PodDisruptionBudget"),
    }


@of_every_set
def test_helm_lints_the_chart_with_nothing_to_say_but_that_it_has_no_icon(name: str) -> None:
    report = lint(CHART, dict(SETS[name]), strict=True, kube_version=f"v{OLDEST}.0")
    said = {(message["path"], message["error"]) for message in report["messages"]}
    assert report["errors"] == []
    assert said == {("Chart.yaml", "icon is recommended")}


def test_helm_lints_the_chart_without_any_values() -> None:
    assert lint(CHART, strict=True)["errors"] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@of_every_set
def test_every_object_is_valid_for_kubernetes(name: str, version: str) -> None:
    manifests = own(release(name).manifests)
    assert manifests
    assert [problem for manifest in manifests for problem in problems(manifest, version)] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_misspelt_field_would_be_found(version: str) -> None:
    manifest = render(MINIMAL).workload
    manifest["spec"]["template"]["spec"]["container"] = []
    (problem,) = problems(manifest, version)
    assert "'container' was unexpected" in problem


@pytest.mark.parametrize("name", ["accounts", "thresholds"])
def test_the_same_values_give_the_same_bytes(name: str) -> None:
    assert render(SETS[name]).texts == release(name).texts


@of_every_set
def test_no_two_objects_have_the_same_name(name: str) -> None:
    manifests = release(name).manifests
    names = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in manifests}
    assert len(names) == len(manifests)
