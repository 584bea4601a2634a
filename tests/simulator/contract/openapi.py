"""The OpenAPI file as a judge: does this answer fit the operation that was asked?

The file is read as plain data. Schemas are checked with JSON Schema 2020-12, which OpenAPI 3.1 uses, and `$ref`s are
resolved inside the file itself.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

CONTRACT_FILE = Path(__file__).parents[2] / "contract" / "integrator-io.openapi.yaml"
_URI = "urn:contract"
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TIMESTAMP_KEYS = frozenset(
    {
        *("createdAt", "lastModified", "startedAt", "endedAt", "lastExecutedAt", "purgeAt", "occurredAt", "resolvedAt"),
        *("lastErrorAt", "debugDate", "debugUntil", "lastHeartbeatAt", "lastExportDateTime", "retryAt", "expires"),
        *("created", "time"),
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path template."""

    operation_id: str
    method: str
    template: str


@cache
def document() -> dict[str, Any]:
    """The parsed file."""
    loaded: dict[str, Any] = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation, in the order of the file."""
    return tuple(
        Operation(spec["operationId"], method.upper(), template)
        for template, methods in document()["paths"].items()
        for method, spec in methods.items()
    )


def operation_of(method: str, path: str) -> Operation | None:
    """The operation a request belongs to; literal segments win over parameters. None when the contract has none."""
    fitting = [op for op in operations() if op.method == method and _fits(op.template, path)]
    return min(fitting, key=lambda op: op.template.count("{"), default=None)


def _fits(template: str, path: str) -> bool:
    pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
    return re.fullmatch(pattern, path) is not None


@cache
def _registry() -> Registry[Any]:
    registry: Registry[Any] = Registry()
    with_contract: Registry[Any] = registry.with_resource(_URI, DRAFT202012.create_resource(document()))
    return with_contract


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=_registry())


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _response_pointer(operation: Operation, status: int) -> tuple[str, dict[str, Any]]:
    """Where the response of a status stands: named, else `default`; shared responses are followed."""
    base = f"/paths/{_escaped(operation.template)}/{operation.method.lower()}/responses"
    responses = document()["paths"][operation.template][operation.method.lower()]["responses"]
    key = str(status) if str(status) in responses else "default"
    response = responses[key]
    if "$ref" in response:
        name = response["$ref"].rsplit("/", 1)[1]
        return f"/components/responses/{name}", document()["components"]["responses"][name]
    return f"{base}/{key}", response


def violations(operation: Operation, status: int, body: Any) -> list[str]:
    """What is wrong with a decoded JSON body; empty when nothing is."""
    pointer, response = _response_pointer(operation, status)
    if "content" not in response:
        return [f"status {status} of {operation.operation_id} has no body in the contract"]
    schema = f"{pointer}/content/application~1json/schema"
    if isinstance(body, list) and body:
        # A long list is judged row by row and each row once: tests page through the same thousands of rows many times.
        fresh = [row for row in body if (schema, repr(row)) not in _judged]
        found = _complaints(schema, fresh)
        _judged.update((schema, repr(row)) for row in ([] if found else fresh))
        return found
    return _complaints(schema, body)


_judged: set[tuple[str, str]] = set()


def _complaints(schema: str, body: Any) -> list[str]:
    found = [f"{error.json_path}: {error.message[:200]}" for error in _validator(schema).iter_errors(body)]
    return found + [f"{where}: {value!r} is no UTC instant with milliseconds" for where, value in _bad_instants(body)]


def schema_violations(name: str, value: Any) -> list[str]:
    """What is wrong with a value measured by a component schema."""
    return [error.message for error in _validator(f"/components/schemas/{_escaped(name)}").iter_errors(value)]


def _bad_instants(value: Any, where: str = "$") -> list[tuple[str, Any]]:
    """Instants that break contract 1.3 (ISO 8601, UTC, milliseconds), which the schema leaves open."""
    if isinstance(value, list):
        return [bad for index, item in enumerate(value) for bad in _bad_instants(item, f"{where}[{index}]")]
    if not isinstance(value, dict):
        return []
    bad: list[tuple[str, Any]] = []
    for key, item in value.items():
        if key in _TIMESTAMP_KEYS and isinstance(item, str):
            bad += [] if _TIMESTAMP.fullmatch(item) else [(f"{where}.{key}", item)]
        else:
            bad += _bad_instants(item, f"{where}.{key}")
    return bad
