"""No Pod of any value set can do harm, and each way in which one could is found when it is planted."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.pods import complaints, pods
from tests.chart.rendering import MINIMAL, SETS, Release, release, render

of_every_set = pytest.mark.parametrize("name", SETS)

Spec = dict[str, Any]


def container(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = spec["containers"][0]
    return found


def security(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = container(spec)["securityContext"]
    return found


def volume(spec: Spec, name: str) -> dict[str, Any]:
    (found,) = [each for each in spec["volumes"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


PLANTED: dict[str, Callable[[Spec], object]] = {
    "may run as root": lambda spec: spec["securityContext"].pop("runAsNonRoot"),
    "test: runs as root": lambda spec: spec["securityContext"].update(runAsUser=0),
    "no seccomp profile": lambda spec: spec["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "mounts the ServiceAccount's token": lambda spec: spec.pop("automountServiceAccountToken"),
    "hostNetwork": lambda spec: spec.update(hostNetwork=True),
    "hostPID": lambda spec: spec.update(hostPID=True),
    "exporter: hostPort": lambda spec: container(spec)["ports"][0].update(hostPort=80),
    "exporter: privileged": lambda spec: security(spec).update(privileged=True),
    "exporter: may gain privileges": lambda spec: security(spec).pop("allowPrivilegeEscalation"),
    "exporter: may write its root file system": lambda spec: security(spec).update(readOnlyRootFilesystem=False),
    "exporter: keeps capabilities": lambda spec: security(spec)["capabilities"].update(add=["NET_ADMIN"]),
    "exporter: runs as root": lambda spec: security(spec).update(runAsUser=0),
    "exporter: no limit of memory": lambda spec: container(spec)["resources"].pop("limits"),
    "exporter:latest is whatever is newest": lambda spec: container(spec).update(
        image="a.example:5000/exporter:latest"
    ),
    "exporter is whatever is newest": lambda spec: container(spec).update(image="a.example:5000/exporter"),
    "API_TOKEN has its secret": lambda spec: container(spec).update(env=[{"name": "API_TOKEN", "value": "x"}]),
    "config is a folder of the node": lambda spec: volume(spec, "config").update(hostPath={"path": "/"}),
    "tokens can be read by everybody": lambda spec: volume(spec, "tokens")["projected"].pop("defaultMode"),
    "two volumes of one name": lambda spec: spec["volumes"].append(volume(spec, "tmp")),
    "tokens is no volume": lambda spec: spec["volumes"].remove(volume(spec, "tokens")),
    "tmp is not updated": lambda spec: container(spec)["volumeMounts"][0].update(subPath="a"),
    "/etc/celigo-exporter is mounted over": lambda spec: container(spec)["volumeMounts"][0].update(
        mountPath="/etc/celigo-exporter/inside"
    ),
    "no livenessProbe": lambda spec: container(spec).pop("livenessProbe"),
    "readinessProbe asks for /metrics": lambda spec: container(spec)["readinessProbe"]["httpGet"].update(
        path="/metrics"
    ),
    "startupProbe asks for /": lambda spec: container(spec)["startupProbe"]["httpGet"].update(path="/"),
}


@of_every_set
def test_no_pod_can_do_harm(name: str) -> None:
    assert complaints(release(name)) == []


@pytest.mark.parametrize("said", PLANTED)
def test_a_planted_defect_is_found(said: str) -> None:
    found = copy.deepcopy(render({**MINIMAL, "fullnameOverride": "test"}))
    PLANTED[said](found.pod)
    assert any(said in complaint for complaint in complaints(found))


@of_every_set
def test_no_object_gives_rights_or_holds_a_secret(name: str) -> None:
    kinds = {manifest["kind"] for manifest in release(name).manifests}
    assert not kinds & {"Secret", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    for account in release(name).of("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def probes_of(found: Release) -> list[dict[str, Any]]:
    return [found.container[kind] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]


def test_probes_follow_from_how_the_exporter_is_reached() -> None:
    plain, tls, closed = (probes_of(release(name)) for name in ("minimal", "tls", "authentication"))
    assert {probe["httpGet"]["scheme"] for probe in plain} == {"HTTP"}
    assert {probe["httpGet"]["scheme"] for probe in tls} == {"HTTPS"}
    assert [probe["tcpSocket"] for probe in closed] == [{"port": "http-metrics"}] * 3
    assert [probe["httpGet"]["path"] for probe in plain] == ["/-/healthy", "/-/healthy", "/-/ready"]


def test_times_of_probes_can_be_changed_and_the_question_cannot() -> None:
    found = release("scheduling")
    assert found.container["startupProbe"]["failureThreshold"] == 60
    assert found.container["livenessProbe"]["terminationGracePeriodSeconds"] == 5
    assert found.container["livenessProbe"]["httpGet"]["path"] == "/-/healthy"


def test_every_secret_of_an_account_is_a_file_of_its_own() -> None:
    spec = release("accounts").pod
    assert volume(spec, "tokens")["projected"]["sources"] == [
        {
            "secret": {
                "name": "celigo-tokens",
                "items": [
                    {"key": "acme", "path": "celigo-tokens/acme"},
                    {"key": "acme-sandbox", "path": "celigo-tokens/acme-sandbox"},
                ],
            }
        }
    ]


def test_certificates_lie_beside_the_web_configuration_that_names_them() -> None:
    found = release("tls")
    sources = volume(found.pod, "web")["projected"]["sources"]
    (mount,) = [each for each in found.container["volumeMounts"] if each["name"] == "web"]
    assert [source["secret"]["name"] for source in sources] == ["celigo-web", "celigo-tls"]
    assert f"--web.config.file={mount['mountPath']}/web-config.yml" in found.container["args"]


def test_openshift_may_choose_the_ids() -> None:
    assert pods(release("openshift"))[0].spec["securityContext"].keys() == {
        *("runAsNonRoot", "seccompProfile", "fsGroupChangePolicy")
    }


def test_everything_of_ones_own_is_where_it_belongs_and_no_template() -> None:
    found, given = release("extras"), SETS["extras"]
    assert found.container["args"][-1] == given["extraArgs"][0]
    assert found.container["env"] == given["extraEnv"]
    assert found.container["envFrom"] == given["extraEnvFrom"]
    assert found.pod["initContainers"] == given["initContainers"]
    assert found.pod["containers"][1:] == given["extraContainers"]
    assert given["extraVolumes"][0] in found.pod["volumes"]
    assert given["extraVolumeMounts"][0] in found.container["volumeMounts"]
    assert found.one("ExternalSecret") == given["extraObjects"][0]


def test_the_pod_is_put_where_it_was_told_to_be() -> None:
    found, given = release("scheduling"), SETS["scheduling"]
    fields = (
        "priorityClassName",
        "runtimeClassName",
        "nodeSelector",
        "tolerations",
        "affinity",
        "dnsPolicy",
        "dnsConfig",
    )
    for pod in pods(found):
        assert {field: pod.spec[field] for field in (*fields, "hostAliases")} == {
            field: given[field] for field in (*fields, "hostAliases")
        }
    assert found.pod["topologySpreadConstraints"] == given["topologySpreadConstraints"]
    assert found.pod["terminationGracePeriodSeconds"] == 10
    assert found.container["resources"] == given["resources"]


def test_the_image_is_by_digest_or_by_the_charts_version() -> None:
    assert release("minimal").container["image"].startswith("ghcr.io/celigo-exporter/celigo-exporter:0.")
    assert release("image-and-service").container["image"] == (
        f"registry.example.com:5000/mirror/celigo-exporter@{SETS['image-and-service']['image']['digest']}"
    )
    tagged = render({**MINIMAL, "image": {"tag": "v9"}})
    assert tagged.container["image"].endswith("/celigo-exporter:v9")
