"""The calls about agents, audit log, subscriptions and licences: what is asked, what is read, and what never is."""

import json
from typing import Any

import pytest
import requests_mock

from exporter.api.endpoints import Endpoint
from exporter.api.errors import Forbidden, UnexpectedShape
from exporter.api.models_governance import AuditEntry, EntitlementUsage, License
from tests.api.kit import BASE, CALLS, LISTS, Kit, failure_of, object_id

SINCE = 1_788_000_000.25  # 2026-08-29T10:40:00.250Z
ENTRY = {"_id": "e1", "time": "2026-08-30T08:00:00.000Z", "resourceType": "flow", "event": "update", "source": "ui"}
PERSON = {"_id": "5f1a2b3c4d5e6f7081920a01", "name": "A. Admin", "email": "admin@example.com"}


def answer(http: requests_mock.Mocker, content: Any) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, json=content)


def entries(api: Kit, **bounds: float) -> list[AuditEntry]:
    pages = api.client.audit_pages(api.refresh(), **{"since": SINCE, "max_pages": 20, **bounds})  # type: ignore[arg-type]
    return [row for page in pages for row in page.rows]


def licence(api: Kit, http: requests_mock.Mocker, **fields: Any) -> License:
    answer(http, [{"_id": "l1", **fields}])
    (row,) = api.client.licenses(api.refresh()).rows
    return row


@pytest.mark.parametrize(
    ("endpoint", "query"),
    [
        (Endpoint.AGENTS, {"include": ["online,offline,lastheartbeatat"]}),
        (Endpoint.LICENSES, {}),
        (Endpoint.ENTITLEMENT_USAGE, {}),
        (Endpoint.NOTIFICATIONS, {"users": ["all"]}),
        (Endpoint.AUDIT, {"from": ["2026-08-29t07:53:20.000z"]}),
    ],
    ids=lambda value: value.name if isinstance(value, Endpoint) else "",
)
def test_a_call_asks_for_what_it_needs_and_for_no_projection_where_that_is_refused(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, query: dict[str, list[str]]
) -> None:
    answer(http, {} if endpoint is Endpoint.ENTITLEMENT_USAGE else [])
    CALLS[endpoint](api)
    (request,) = http.request_history
    assert (request.method, request.path, request.qs) == ("GET", endpoint.value.lower(), query)


def test_the_audit_log_is_asked_for_between_two_instants(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, [ENTRY])
    assert [row.id for row in entries(api, until=SINCE + 60)] == ["e1"]
    assert http.request_history[0].qs == {"from": ["2026-08-29t10:40:00.250z"], "to": ["2026-08-29t10:41:00.250z"]}


def endless_log(http: requests_mock.Mocker) -> None:
    def page(request: Any, context: Any) -> Any:
        number = int(request.qs.get("after", ["0"])[0])
        context.headers["Link"] = f'<{BASE}/v1/audit?after={number + 1}>; rel="next"'
        return [{**ENTRY, "_id": object_id(number)}]

    http.get(f"{BASE}/v1/audit", json=page)


def test_a_long_audit_log_says_that_it_was_cut_and_leaves_it_to_the_caller(
    api: Kit, http: requests_mock.Mocker
) -> None:
    endless_log(http)
    pages = list(api.client.audit_pages(api.refresh(), since=SINCE, max_pages=3))
    assert [(len(page.rows), page.cut) for page in pages] == [(1, False), (1, False), (1, True)]
    assert api.last.truncated == 0


def test_an_entry_without_an_instant_is_left_out_and_counted(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, [{"_id": "e0", "event": "update"}, {**ENTRY, "_id": "e2", "time": "yesterday"}, ENTRY])
    assert [row.id for row in entries(api)] == ["e1"]
    assert api.last.rejected == {"missing_id": 1, "bad_instant": 1}


HOSTILE: dict[str, tuple[Endpoint, Any, str]] = {
    "agent without id": (Endpoint.AGENTS, {"name": "dc1"}, "missing_id"),
    "agent online as text": (Endpoint.AGENTS, {"_id": "a", "online": "yes"}, "wrong_type"),
    "agent offline as number": (Endpoint.AGENTS, {"_id": "a", "offline": 1}, "wrong_type"),
    "heartbeat as number": (Endpoint.AGENTS, {"_id": "a", "lastHeartbeatAt": 1788000000}, "bad_instant"),
    "heartbeat as word": (Endpoint.AGENTS, {"_id": "a", "lastHeartbeatAt": "now"}, "bad_instant"),
    "licence without id": (Endpoint.LICENSES, {"type": "platform"}, "missing_id"),
    "licence type as list": (Endpoint.LICENSES, {"_id": "a", "type": ["platform"]}, "wrong_type"),
    "licence end as flag": (Endpoint.LICENSES, {"_id": "a", "expires": True}, "bad_instant"),
    "block as text": (Endpoint.LICENSES, {"_id": "a", "endpoint": "all"}, "wrong_type"),
    "part as list": (Endpoint.LICENSES, {"_id": "a", "endpoint": {"production": []}}, "wrong_type"),
    "number as text": (Endpoint.LICENSES, {"_id": "a", "endpoint": {"production": {"numFlows": "9"}}}, "wrong_type"),
    "part of a flow": (Endpoint.LICENSES, {"_id": "a", "integrator": {"production": {"numFlows": 1.5}}}, "wrong_type"),
    "beyond any float": (
        Endpoint.LICENSES, {"_id": "a", "production": {"numFlows": 10**400}}, "wrong_type",
    ),
    "subscription without id": (Endpoint.NOTIFICATIONS, {"type": "flow", "_flowId": "f"}, "missing_id"),
    "subscription of a list": (Endpoint.NOTIFICATIONS, {"_id": "a", "_flowId": ["f"]}, "wrong_type"),
    "subscription that is a text": (Endpoint.NOTIFICATIONS, "admin@example.com", "not_an_object"),
}  # fmt: skip


@pytest.mark.parametrize(("endpoint", "row", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_broken_row_costs_that_row_alone(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, row: Any, reason: str
) -> None:
    answer(http, [row, {"_id": "good"}])
    listing = LISTS[endpoint](api)
    assert [each.id for each in listing.rows] == ["good"]
    assert api.last.rejected == {reason: 1}


@pytest.mark.parametrize("value", [[], [{}], 5, "text", {"production": []}, {"sandbox": 5}], ids=json.dumps)
def test_use_of_another_shape_is_a_failure(api: Kit, http: requests_mock.Mocker, value: object) -> None:
    http.get(f"{BASE}/v1/licenseEntitlementUsage", text=json.dumps(value))
    assert type(failure_of(CALLS[Endpoint.ENTITLEMENT_USAGE], api)) is UnexpectedShape


@pytest.mark.parametrize("answer", [{"status_code": 204}, {"text": "null"}], ids=str)
def test_an_empty_answer_tells_nothing_about_use(api: Kit, http: requests_mock.Mocker, answer: dict[str, Any]) -> None:
    http.get(f"{BASE}/v1/licenseEntitlementUsage", **answer)
    assert api.client.entitlement_usage(api.refresh()) is None


def test_of_the_use_only_numbers_are_read(api: Kit, http: requests_mock.Mocker) -> None:
    flows = {"numEnabled": 412, "flows": [{"_id": "f1", "owner": PERSON}]}
    answer(http, {"production": {"flowUsage": flows, "agentUsage": {"numActive": 2}, "newUsage": {"numConsumed": 1}}})
    usage = api.client.entitlement_usage(api.refresh())
    assert isinstance(usage, EntitlementUsage)
    assert usage.production is not None
    assert usage.production.flows is not None
    assert (usage.production.flows.num_enabled, usage.production.endpoints, usage.sandbox) == (412, None, None)
    assert "f1" not in repr(usage)


def test_a_licence_says_sandbox_as_a_flag_or_as_a_part(api: Kit, http: requests_mock.Mocker) -> None:
    assert licence(api, http, sandbox=True).sandbox is True
    part = licence(api, http, sandbox={"numFlows": 7}).sandbox
    assert not isinstance(part, bool)
    assert part is not None
    assert part.num_flows == 7


@pytest.mark.parametrize("nothing", [{}, {"production": None}, {"endpoint": None}, {"endpoint": {"sandbox": None}}])
def test_a_licence_may_tell_nothing_of_what_it_allows(
    api: Kit, http: requests_mock.Mocker, nothing: dict[str, Any]
) -> None:
    assert licence(api, http, **nothing).production is None


@pytest.mark.parametrize(
    ("endpoint", "row"),
    [
        (Endpoint.AUDIT, {**ENTRY, "byUser": PERSON, "fieldChange": {"oldValue": "admin@example.com"}}),
        (Endpoint.NOTIFICATIONS, {"_id": "n1", "_flowId": "f1", "subscribedByUser": PERSON}),
        (Endpoint.AGENTS, {"_id": "a1", "description": "ask admin@example.com", "createdBy": PERSON}),
        (Endpoint.LICENSES, {"_id": "l1", "owner": PERSON}),
    ],
    ids=lambda value: value.name if isinstance(value, Endpoint) else "",
)
def test_no_person_is_in_any_row(api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, row: Any) -> None:
    answer(http, [row])
    read = repr(CALLS[endpoint](api))
    assert row["_id"] in read
    assert "admin" not in read.lower()


@pytest.mark.parametrize(
    "endpoint", [Endpoint.AUDIT, Endpoint.ENTITLEMENT_USAGE, Endpoint.LICENSES], ids=lambda endpoint: endpoint.name
)
def test_a_refusal_is_the_callers_business(api: Kit, http: requests_mock.Mocker, endpoint: Endpoint) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=403, json={"message": "Forbidden"})
    assert type(failure_of(CALLS[endpoint], api)) is Forbidden
    assert len(http.request_history) == 1
