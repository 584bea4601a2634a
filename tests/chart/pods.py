"""Pods of a release and what of them can do harm, as the `restricted` Pod Security Standard and this chart have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chart.rendering import Release

TELEMETRY = "--web.telemetry-path="


@dataclass(frozen=True)
class Pod:
    """A Pod of the workload or of a test, with the labels it has."""

    name: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All containers, those that run first among them."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(found: Release) -> list[Pod]:
    """Those of the workloads first, then those of the tests."""
    templates = {each["metadata"]["name"]: each["spec"]["template"] for each in found.workloads}
    tests = [Pod(pod["metadata"]["name"], pod["metadata"]["labels"], pod["spec"]) for pod in found.of("Pod")]
    return [*(Pod(name, each["metadata"]["labels"], each["spec"]) for name, each in templates.items()), *tests]


def complaints(found: Release) -> list[str]:
    """What no Pod may be, of all Pods of a release."""
    checks = (_identity, _host, _containers, _volumes)
    return [f"{pod.name}: {said}" for pod in pods(found) for check in checks for said in check(pod)] + list(
        _probes(found)
    )


def _identity(pod: Pod) -> Iterator[str]:
    security = pod.spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True:
        yield "may run as root"
    if security.get("runAsUser") == 0 or security.get("runAsGroup") == 0:
        yield "runs as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield "mounts the ServiceAccount's token"


def _host(pod: Pod) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        if pod.spec.get(field):
            yield field
    for container in pod.containers:
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield f"{container['name']}: hostPort"


def _containers(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        yield from (f"{container['name']}: {said}" for said in (*_rights(container), *_bounds(container)))


def _rights(container: dict[str, Any]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("privileged"):
        yield "privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write its root file system"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
        yield "runs as root"


def _bounds(container: dict[str, Any]) -> Iterator[str]:
    if not container.get("resources", {}).get("limits", {}).get("memory"):
        yield "no limit of memory"
    image = container["image"].rpartition("/")[2]
    if "@sha256:" not in image and (":" not in image or image.endswith(":latest")):
        yield f"{image} is whatever is newest"
    for variable in container.get("env", []):
        if "value" in variable and any(word in variable["name"].upper() for word in ("TOKEN", "PASSWORD", "SECRET")):
            yield f"{variable['name']} has its secret in the manifest"


def _volumes(pod: Pod) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    if len(volumes) < len(pod.spec.get("volumes", [])):
        yield "two volumes of one name"
    for name, volume in volumes.items():
        if "hostPath" in volume:
            yield f"{name} is a folder of the node"
        held = volume.get("secret") or volume.get("projected")
        if held and held.get("defaultMode", 0o644) & 0o007:
            yield f"{name} can be read by everybody"
    for container in pod.containers:
        mounts = container.get("volumeMounts", [])
        yield from (f"{mount['name']} is no volume" for mount in mounts if mount["name"] not in volumes | _claimed(pod))
        yield from (f"{mount['name']} is not updated below a subPath" for mount in mounts if "subPath" in mount)
        yield from _places([mount["mountPath"] for mount in mounts])


def _claimed(pod: Pod) -> dict[str, Any]:
    """The volume that a StatefulSet adds."""
    return {"state": {}} if pod.labels["app.kubernetes.io/component"] == "exporter" else {}


def _places(paths: list[str]) -> Iterator[str]:
    """Two volumes at one place, or one within another: that cannot be made where the outer one is read-only."""
    for path in paths:
        if paths.count(path) > 1 or any(other.startswith(f"{path.rstrip('/')}/") for other in paths):
            yield f"{path} is mounted over"


def _probes(found: Release) -> Iterator[str]:
    telemetry = [argument.removeprefix(TELEMETRY) for argument in found.container["args"] if TELEMETRY in argument]
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = found.container.get(kind, {})
        if not probe.keys() & {"httpGet", "tcpSocket"}:
            yield f"no {kind}"
        path = probe.get("httpGet", {}).get("path")
        if path in telemetry or path == "/":
            yield f"{kind} asks for {path}"
