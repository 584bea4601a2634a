"""Bodies of answers: JSON of the contract's shapes, of other shapes, and what is no JSON."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

from exporter.api import models, models_governance
from exporter.api.decode import RowDecoder, Rows, decode_keyed_rows, decode_one, decode_optional, decode_rows
from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import InvalidJson, PayloadError
from exporter.api.failures import documented_code
from exporter.api.listing import REJECT_REASONS
from exporter.api.paging import RawPage, iso, job_window_pages, next_target
from tests.fuzz.mutation import document
from tests.fuzz.target import CANARY, Target, keeps_secret, require

BARE: dict[Endpoint, type[models.Row]] = {
    Endpoint.INTEGRATIONS: models.Integration,
    Endpoint.FLOWS: models.Flow,
    Endpoint.CONNECTIONS: models.Connection,
    Endpoint.EXPORTS: models.Step,
    Endpoint.AGENTS: models_governance.Agent,
    Endpoint.LICENSES: models_governance.License,
    Endpoint.NOTIFICATIONS: models_governance.Notification,
    Endpoint.INTEGRATION_ERRORS: models.FlowErrorCount,
    Endpoint.AUDIT: models_governance.AuditEntry,
    Endpoint.JOBS: models.Job,
}
KEYED: dict[Endpoint, tuple[str, type[models.Row]]] = {
    Endpoint.JOBS_CURRENT: ("jobs", models.Job),
    Endpoint.JOB_FAMILY: ("children", models.StepJob),
    Endpoint.FLOW_ERRORS: ("flowErrors", models.StepErrorCount),
    Endpoint.STEP_ERRORS: ("errors", models.ErrorRecord),
    Endpoint.RUN_STATS: ("stats", models.RunStats),
}
ONE: dict[Endpoint, type[models.Row]] = {
    Endpoint.TOKEN_INFO: models.TokenInfo,
    Endpoint.JOB: models.Job,
    Endpoint.LAST_EXPORT: models.LastExport,
    Endpoint.ENTITLEMENT_USAGE: models_governance.EntitlementUsage,
}
LETTERS: dict[Endpoint, str] = {
    endpoint: chr(ord("A") + number) for number, endpoint in enumerate((*BARE, *KEYED, *ONE))
}
"""First byte of an input: which call the rest is an answer to. Any other: the body of a refusal."""

_IDS = ("64b2e1d3c5f6a70023bc45d2", "64b2e1d3c5f6a70023bc45d3")
_ENDPOINTS = {ord(letter): endpoint for endpoint, letter in LETTERS.items()}
_UNUSUAL = re.compile(rb"NaN|Infinity|[0-9]{300}|[eE][+]?[0-9]{3}")
"""What Python's own reader takes for JSON, or for a number, and the exporter need not."""


def check(held: bytes) -> None:
    """Read the body as the client would."""
    endpoint, body = _ENDPOINTS.get(held[0]) if held else None, held[1:]
    if endpoint is None:
        code = documented_code(body)
        require(code is None or re.fullmatch("[a-z_]+", code), "a code that nobody documented")
        return
    try:
        _read(endpoint, body)
    except PayloadError as error:
        keeps_secret(f"{error} {error!r} {vars(error)}")
        if isinstance(error, InvalidJson):
            require(_tree(body) is None or _UNUSUAL.search(body), "JSON is taken for something else")


def _read(endpoint: Endpoint, body: bytes) -> None:
    if endpoint in BARE:
        _listed(endpoint, decode_rows(body, RowDecoder(BARE[endpoint]), endpoint), _tree(body))
    elif endpoint in KEYED:
        key, kind = KEYED[endpoint]
        rows, url = decode_keyed_rows(body, key, RowDecoder(kind), endpoint)
        tree = _tree(body)
        _listed(endpoint, rows, tree[key] if isinstance(tree, dict) else None)
        ids = _IDS[: endpoint.value.count("{")]
        target = next_target(url, Call(endpoint, ids))
        require(target is None or target.partition("?")[0] == endpoint.path(*ids), "another next page")
    else:
        decode: Callable[..., Any] = decode_one if endpoint in (Endpoint.TOKEN_INFO, Endpoint.JOB) else decode_optional
        row = decode(body, ONE[endpoint], endpoint)
        if row is not None:
            _sound(row)


def _listed(endpoint: Endpoint, rows: Rows[Any], tree: Any) -> None:
    """Every row of the body is read or counted, and what was read is usable."""
    require(rows.rejected.keys() <= set(REJECT_REASONS), "a reason that nobody knows")
    require(len(rows.unread) <= sum(rows.rejected.values()), "more ids than rows left out")
    if isinstance(tree, list):
        require(len(rows.rows) + sum(rows.rejected.values()) == len(tree), "a row is lost")
    for row in rows.rows:
        _sound(row)
    if endpoint is Endpoint.JOBS:
        _paged(rows)


def _paged(rows: Rows[models.Job]) -> None:
    """The jobs' instants make the next page's address; it is one, whatever they are."""
    targets: list[str] = []

    def fetch(target: str) -> RawPage[models.Job]:
        targets.append(target)
        return RawPage(rows.rows, rejected=rows.rejected, unread=rows.unread)

    def call(upper: str | None) -> Call:
        return Call(Endpoint.JOBS, query=() if upper is None else (("createdAt_lte", upper),))

    require(len(list(job_window_pages(call, fetch, None, 5))) <= 5, "pages without end")
    require(
        all(re.fullmatch(r"/v1/jobs(\?createdAt_lte=\d{4}-[\dT%A-F.-]+Z)?", each) for each in targets), str(targets)
    )


def _sound(value: object) -> None:
    """Every value of a row can be shown: finite, exact, in the calendar, text that can be encoded."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            if name != "code":  # any number, which is only ever shown as text
                _sound(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            _sound(each)
    elif isinstance(value, models.ConnectionBlock):
        _sound(value.concurrency)
    elif isinstance(value, models.Instant):
        require(math.isfinite(value) and re.match(r"\d{4}-", iso(value)), f"an instant of {float(value)}")
    elif isinstance(value, int):
        require(abs(value) <= 2**53, "a number that is not exact")
    elif isinstance(value, str):
        value.encode()


def _tree(body: bytes) -> Any:
    """The document as Python's own reader has it, without its loose ends; None when it has none."""
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return None


TARGET = Target(
    "bodies",
    "every row is read or counted, what is read is usable; else a typed failure that repeats nothing of the body",
    check,
    words=(
        *(b"_id", b"_flowId", b"errorId", b"numError", b"name", b"createdAt", b"schedule", b"nextPageURL", b"queues"),
        *(b"64b2e1d3c5f6a70023bc45d2", b"2026-08-30T09:15:02.114Z", b"\\ud83d", b"\\u0000", b"rate_limited", b"errors"),
        *(b"https://evil.example/v1/jobs/current?after=1", b"[[[[", b"{}", b"null", b"1e400", CANARY.encode()),
    ),
    longest=16_384,
    mutate=document,
)
