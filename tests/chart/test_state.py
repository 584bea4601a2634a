"""Counters that survive: one exporter, one state file, on a volume that outlives the Pod, or honestly not."""

from typing import Any

import pytest

from tests.chart.pods import pods
from tests.chart.rendering import MINIMAL, SETS, Release, refusal, release, render

FILE = "/var/lib/celigo-exporter/state.db"


def mount_of(found: Release) -> dict[str, Any]:
    (mount,) = [each for each in found.container["volumeMounts"] if FILE.startswith(f"{each['mountPath']}/")]
    assert isinstance(mount, dict)
    return mount


def volume_of(found: Release) -> dict[str, Any] | None:
    named = [each for each in found.pod["volumes"] if each["name"] == mount_of(found)["name"]]
    return named[0] if named else None


@pytest.mark.parametrize("name", [name for name in SETS if name != "demo"])
def test_the_state_file_lies_on_a_volume_that_may_be_written(name: str) -> None:
    found = release(name)
    assert f"path: {FILE}" in found.config
    assert not mount_of(found).get("readOnly")


def test_by_default_a_statefulset_has_a_claim_for_it() -> None:
    workload = release("minimal").workload
    (claim,) = workload["spec"]["volumeClaimTemplates"]
    assert workload["kind"] == "StatefulSet"
    assert volume_of(release("minimal")) is None
    assert claim["metadata"]["name"] == mount_of(release("minimal"))["name"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert workload["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_the_claim_is_as_it_was_asked_for() -> None:
    workload = release("volume").workload
    (claim,) = workload["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast-ssd"
    assert claim["metadata"]["annotations"] == {"example.com/backup": "daily"}
    assert workload["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"
    none = render({**MINIMAL, "state": {"persistence": {"storageClassName": "-"}}}).workload
    assert none["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == ""


def test_a_claim_that_exists_is_used_and_none_is_made() -> None:
    found = release("existing-claim")
    assert found.workload["kind"] == "StatefulSet"
    assert "volumeClaimTemplates" not in found.workload["spec"]
    assert volume_of(found) == {"name": "state", "persistentVolumeClaim": {"claimName": "celigo-state"}}


def test_without_a_claim_a_deployment_keeps_it_as_long_as_the_pod_lives() -> None:
    found = release("no-volume")
    assert found.workload["kind"] == "Deployment"
    assert volume_of(found) == {"name": "state", "emptyDir": {"sizeLimit": "100Mi"}}
    assert "counters start anew" in found.notes


def test_there_are_never_two_exporters_not_even_while_one_replaces_the_other() -> None:
    assert release("no-volume").workload["spec"]["strategy"] == {"type": "Recreate"}
    assert release("minimal").workload["spec"]["replicas"] == 1
    assert release("image-and-service").workload["spec"]["replicas"] == 0
    assert "replicas" in refusal({**MINIMAL, "replicas": 2})


def test_the_demo_keeps_nothing() -> None:
    found = release("demo")
    assert found.workload["kind"] == "Deployment"
    assert [volume["name"] for volume in found.pod["volumes"]] == ["tmp"]
    assert [pod.name for pod in pods(found)] == ["test-celigo-exporter", "test-celigo-exporter-test-service"]
