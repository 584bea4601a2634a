"""Counters that survive: one exporter, one state file, on a volume that outlives the Pod, or honestly not."""

from pathlib import Path
from typing import Any

import pytest

from exporter.config.load import parse_settings
from exporter.config.settings import RedisSettings, TokenSource
from tests.chart.pods import pods
from tests.chart.rendering import MINIMAL, SETS, Release, refusal, release, render

TOKENS = "/var/run/secrets/celigo-exporter/tokens"
FILE = "/var/lib/celigo-exporter/state.db"


def mount_of(found: Release) -> dict[str, Any]:
    (mount,) = [each for each in found.container["volumeMounts"] if FILE.startswith(f"{each['mountPath']}/")]
    assert isinstance(mount, dict)
    return mount


def volume_of(found: Release) -> dict[str, Any] | None:
    named = [each for each in found.pod["volumes"] if each["name"] == mount_of(found)["name"]]
    return named[0] if named else None


@pytest.mark.parametrize("name", [name for name in SETS if name not in {"demo", "replicas"}])
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


REDIS: dict[str, Any] = {"url": "redis://redis:6379"}


class TestRedis:
    """Several replicas share what a volume would hold for one."""

    def test_replicas_are_a_deployment_that_rolls_and_has_no_state_of_its_own(self) -> None:
        found = release("replicas")
        assert found.workload["kind"] == "Deployment"
        assert found.workload["spec"]["replicas"] == 3
        assert found.workload["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert not [each for each in found.container["volumeMounts"] if FILE.startswith(f"{each['mountPath']}/")]

    def test_the_exporter_reads_the_settings_that_are_made_of_the_values(self, tmp_path: Path) -> None:
        found = release("replicas")
        (mount,) = [each for each in found.container["volumeMounts"] if each["name"] == "redis"]
        text = found.config.replace(mount["mountPath"], str(tmp_path)).replace(TOKENS, str(tmp_path / "tokens"))
        for path in ("password", "tokens/celigo-acme/token", "tokens/celigo-acme-sandbox/token"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text("not-a-real-one")
        redis = parse_settings(text, str(tmp_path / "celigo.yml"), {}).state.redis
        assert redis == RedisSettings(
            url="rediss://redis.example:6380/2",
            username="celigo-exporter",
            password=TokenSource(file=str(tmp_path / "password")),
            key_prefix="team-a",
            lease=20.0,
            ca_file=str(tmp_path / "ca.crt"),
            cert_file=str(tmp_path / "tls.crt"),
            key_file=str(tmp_path / "tls.key"),
        )

    def test_password_and_certificates_are_files_of_their_secrets(self) -> None:
        found = release("replicas")
        (volume,) = [each for each in found.pod["volumes"] if each["name"] == "redis"]
        password, certificates = (each["secret"] for each in volume["projected"]["sources"])
        assert password == {"name": "celigo-redis", "items": [{"key": "redis-password", "path": "password"}]}
        assert certificates == {"name": "celigo-redis-tls"}

    def test_without_a_secret_there_is_no_volume_for_one(self) -> None:
        found = render({**MINIMAL, "replicas": 2, "state": {"redis": REDIS}})
        assert {volume["name"] for volume in found.pod["volumes"]} == {"tmp", "config", "tokens"}

    @pytest.mark.parametrize(
        ("url", "port"),
        [
            ("redis://redis", 6379),
            ("redis://redis/3", 6379),
            ("rediss://10.0.0.7:6380/2", 6380),
            ("redis://[::1]:7000", 7000),
        ],
    )
    def test_the_network_policy_lets_out_to_it(self, url: str, port: int) -> None:
        found = render({**MINIMAL, "state": {"redis": {"url": url}}, "networkPolicy": {"enabled": True}})
        ways = [rule for rule in found.one("NetworkPolicy")["spec"]["egress"] if "to" not in rule]
        assert ways == [{"ports": [{"port": port, "protocol": "TCP"}]}]

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"replicas": 2}, "replicas: several exporters share accounts by state.redis.url"),
            ({"state": {"redis": {"username": "x"}}}, "state.redis.url: the user"),
            ({"state": {"redis": {**REDIS, "username": "x"}}}, "state.redis.existingSecret.name"),
            ({"state": {"redis": {**REDIS, "tlsSecret": {"name": "x"}}}}, "certificates are for rediss://"),
            ({"state": {"redis": {**REDIS, "tlsSecret": {"clientCertificate": True}}}}, "state.redis.tlsSecret.name"),
            ({"state": {"redis": {"url": "redis://user:pass@redis"}}}, "url"),
            ({"state": {"redis": {"url": "http://redis"}}}, "url"),
            (
                {"replicas": 2, "state": {"redis": REDIS}, "serviceMonitor": {"enabled": True}},
                "probe.enabled: a ServiceMonitor alone",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, values: dict[str, Any], said: str) -> None:
        assert said in refusal({**MINIMAL, **values})

    def test_the_demo_has_none(self) -> None:
        assert "the demo keeps nothing" in refusal({"demo": {"enabled": True}, "state": {"redis": REDIS}})
