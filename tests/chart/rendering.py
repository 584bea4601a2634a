"""The chart as real Helm renders it, read as strictly as a cluster would."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart, HelmError

from exporter.config.shard import shard_of
from tests.chart.reading import documents

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "celigo-exporter"

Values = Mapping[str, Any]
Manifest = dict[str, Any]

COMMITTED: Mapping[str, Values] = {
    path.name.removesuffix("-values.yaml"): yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((CHART / "ci").glob("*-values.yaml"))
}
"""The value sets that are committed, by name."""


def _apart(name: str, values: Values) -> dict[str, Values]:
    """The set, or one of each of its shards, such as `shards-1`, with its accounts alone."""
    count = values.get("shards", 1)
    if count == 1:
        return {name: values}
    held: dict[int, list[Values]] = {}
    for account in values["accounts"]:
        held.setdefault(shard_of(account["name"], count), []).append(account)
    return {f"{name}-{index}": {**values, "accounts": accounts} for index, accounts in sorted(held.items())}


SETS: Mapping[str, Values] = {
    each: values for name, committed in COMMITTED.items() for each, values in _apart(name, committed).items()
}
"""The committed sets in which there is one exporter, by name."""

ACCOUNT: Values = {"name": "acme", "existingSecret": {"name": "celigo-acme"}}
MINIMAL: Values = {"accounts": [ACCOUNT]}


@dataclass(frozen=True)
class Release:
    """What one rendering gave: the objects, those of `helm test` among them, and the notes for people."""

    manifests: tuple[Manifest, ...]
    notes: str
    texts: Mapping[str, str]

    def of(self, kind: str) -> list[Manifest]:
        """All objects of a kind."""
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str) -> Manifest:
        """The only object of a kind."""
        (manifest,) = self.of(kind)
        return manifest

    @property
    def workload(self) -> Manifest:
        """The StatefulSet or Deployment, without shards."""
        (manifest,) = self.workloads
        return manifest

    @property
    def workloads(self) -> list[Manifest]:
        """The StatefulSets or Deployments, one of each shard."""
        return self.of("StatefulSet") + self.of("Deployment")

    @property
    def pod(self) -> dict[str, Any]:
        """What the workload's Pod is made of."""
        spec: dict[str, Any] = self.workload["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """The exporter's own container."""
        (container,) = [each for each in self.pod["containers"] if each["name"] == "exporter"]
        assert isinstance(container, dict)
        return container

    @property
    def config(self) -> str:
        """The text of the settings file."""
        (text,) = [each["data"]["config.yml"] for each in self.of("ConfigMap") if "config.yml" in each["data"]]
        return str(text)


def render(
    values: Values, name: str = "test", namespace: str = "monitoring", folder: Path = CHART, **options: Any
) -> Release:
    """The release that these values give. Raises HelmError as `helm install` would fail."""
    rendered = _chart(folder).render(dict(values), name=name, namespace=namespace, **options)
    notes = [text for path, text in rendered.items() if path.endswith("NOTES.txt")]
    texts = {path.partition("/")[2]: text for path, text in rendered.items() if not path.endswith("NOTES.txt")}
    manifests = tuple(manifest for text in texts.values() for manifest in documents(text))
    return Release(manifests, "".join(notes), texts)


@cache
def release(name: str) -> Release:
    """The release of a committed value set, or of a shard of one; not to be changed."""
    return render(SETS.get(name) or COMMITTED[name])


def refusal(values: Values) -> str:
    """Why Helm refuses these values, in one line."""
    try:
        render(values)
    except HelmError as error:
        return re.sub(r"\s+", " ", str(error))
    raise AssertionError("the values were not refused")


def everywhere(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value within a value, with its path."""
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from everywhere(child, (*path, key))


@cache
def _chart(folder: Path) -> Chart:
    return Chart.load(folder)
