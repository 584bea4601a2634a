"""Names and labels: valid for Kubernetes whatever a release is called, and the same after every upgrade."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.pods import pods
from tests.chart.rendering import CHART, MINIMAL, SETS, Manifest, Release, release, render

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

RECOMMENDED = {
    *("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version"),
    *("app.kubernetes.io/component", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "helm.sh/chart"),
}
ALL = {
    **MINIMAL,
    **{
        part: {"enabled": True}
        for part in (*("serviceMonitor", "networkPolicy", "ciliumNetworkPolicy", "podDisruptionBudget"),)
    },
}

of_every_set = pytest.mark.parametrize("name", SETS)


def ours(found: Release) -> list[Manifest]:
    """Objects of the chart itself."""
    return [manifest for manifest in found.manifests if "namespace" in manifest["metadata"]]


def labels_of(found: Release) -> Iterator[dict[str, str]]:
    yield from (manifest["metadata"]["labels"] for manifest in ours(found))
    yield from (pod.labels for pod in pods(found))


def wrong(found: Release) -> list[str]:
    """Names and labels that Kubernetes would not take."""
    names = [manifest["metadata"]["name"] for manifest in ours(found)]
    services = [service["metadata"]["name"] for service in found.of("Service")]
    values = [value for labels in labels_of(found) for value in labels.values()]
    return [
        *(name for name in names if not NAME.fullmatch(name) or len(name) > 253),
        *(name for name in services if not SERVICE_NAME.fullmatch(name) or len(name) > 63),
        *(value for value in values if not isinstance(value, str) or not LABEL.fullmatch(value) or len(value) > 63),
    ]


@pytest.mark.parametrize(
    "called", ["a", "celigo-exporter", "my-celigo-exporter-1", "with.dots", "a" * 53, "x" * 38 + "-" + "y" * 14, "on"]
)
def test_every_name_is_valid_whatever_the_release_is_called(called: str) -> None:
    found = render({**ALL, "dashboards": {"enabled": called == "a" * 53}}, name=called)
    assert wrong(found) == []
    assert len(found.workload["metadata"]["name"]) <= 52


def test_bad_names_would_be_found() -> None:
    found = render(ALL)
    found.one("Service")["metadata"]["name"] = "with.dots"
    found.workload["metadata"]["labels"]["helm.sh/chart"] = "a+b"
    assert wrong(found) == ["with.dots", "a+b"]


@of_every_set
def test_every_object_has_the_recommended_labels_and_those_of_ones_own(name: str) -> None:
    found = release(name)
    assert wrong(found) == []
    for labels in labels_of(found):
        assert labels.keys() >= RECOMMENDED | SETS[name].get("commonLabels", {}).keys()


def test_names_can_be_chosen() -> None:
    found = release("names")
    monitor = found.one("ServiceMonitor")
    assert {manifest["metadata"]["namespace"] for manifest in ours(found)} == {"456"}
    assert found.workload["metadata"]["name"] == monitor["metadata"]["name"] == "on"
    assert found.workload["metadata"]["labels"]["cost-center"] == "789"
    assert found.workload["metadata"]["labels"]["app.kubernetes.io/part-of"] == "celigo-exporter"
    assert found.pod["serviceAccountName"] == "42"
    assert found.of("ServiceAccount") == []


def selectors(found: Release) -> dict[str, dict[str, str]]:
    spec = {manifest["kind"]: manifest["spec"] for manifest in ours(found) if "spec" in manifest}
    return {
        "Service": spec["Service"]["selector"],
        "workload": found.workload["spec"]["selector"]["matchLabels"],
        "PodDisruptionBudget": spec["PodDisruptionBudget"]["selector"]["matchLabels"],
        "NetworkPolicy": spec["NetworkPolicy"]["podSelector"]["matchLabels"],
        "CiliumNetworkPolicy": spec["CiliumNetworkPolicy"]["endpointSelector"]["matchLabels"],
    }


def test_selectors_find_the_exporter_and_only_policies_find_its_tests() -> None:
    found = render(ALL)
    exporter, *tests = pods(found)
    assert len(tests) == 2
    for kind, wanted in selectors(found).items():
        assert wanted.items() <= exporter.labels.items()
        for test in tests:
            assert (wanted.items() <= test.labels.items()) is kind.endswith("NetworkPolicy")


def test_labels_of_ones_own_are_in_no_selector() -> None:
    own = {"team": "a", "app.kubernetes.io/name": "b", "app.kubernetes.io/component": "c"}
    assert selectors(render({**ALL, "commonLabels": own, "podLabels": own})) == selectors(render(ALL))
    assert pods(render({**ALL, "podLabels": own}))[0].labels["app.kubernetes.io/component"] == "exporter"


def unchangeable(found: Release) -> dict[str, Any]:
    """What Kubernetes refuses to change in a workload that exists."""
    spec = found.workload["spec"]
    return {
        field: spec.get(field) for field in ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy")
    }


def test_an_upgrade_to_another_version_changes_nothing_that_cannot_be_changed(tmp_path: Path) -> None:
    folder = tmp_path / "celigo-exporter"
    shutil.copytree(CHART, folder)
    chart = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump({**chart, "version": "9.9.9+build", "appVersion": "9.9.9"}))
    before, after = render(ALL), render({**ALL, "commonLabels": {"new": "label"}}, folder=folder, is_upgrade=True)
    assert after.workload["metadata"]["labels"]["helm.sh/chart"] == "celigo-exporter-9.9.9_build"
    assert after.container["image"].endswith(":9.9.9")
    assert unchangeable(after) == unchangeable(before)
    assert selectors(after) == selectors(before)
