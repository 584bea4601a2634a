"""Objects against the schemas of Kubernetes, each schema read once."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import referencing
from kubernetes_validate.utils import schema_contents  # type: ignore[import-untyped]

from tests.chart.rendering import Manifest

NEWEST = ".".join(kubernetes_validate.latest_version().split(".")[:2])
"""Of the versions that the schemas are for."""


def problems(manifest: Manifest, version: str) -> Iterator[str]:
    """What is wrong with an object for a version such as 1.27. Raises FileNotFoundError for an unknown kind."""
    yield from _problems(json.dumps(manifest), version)


@cache
def _problems(text: str, version: str) -> tuple[str, ...]:
    manifest = json.loads(text)
    validator = _validator(manifest["kind"], manifest["apiVersion"], version)
    return tuple(f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest))


@cache
def _validator(kind: str, api_version: str, version: str) -> Any:
    group, _, number = api_version.rpartition("/")
    prefix = f"{group.partition('.')[0]}-" if group else ""
    schema = _schema(f"{kind.lower()}-{prefix}{number}", version)
    registry = _resource(schema) @ _definitions(version)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _definitions(version: str) -> Any:
    return _resource(_schema("_definitions", version)) @ referencing.Registry()


def _resource(schema: Any) -> Any:
    return referencing.Resource.from_contents(schema)


def _schema(name: str, version: str) -> Any:
    full = next(each for each in kubernetes_validate.utils.all_versions() if each.startswith(f"{version}."))
    return schema_contents(f"kubernetes-json-schema/v{full}-local-strict/{name}.json", full)
