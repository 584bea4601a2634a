"""`include` and `exclude`, with their limits."""

from copy import deepcopy

import pytest

from exporter.simulator.messages import Refused, Request
from exporter.simulator.projection import projection, refuse_projection
from exporter.simulator.resources import JsonObject

ROW: JsonObject = {
    "_id": "1",
    "name": "n",
    "adaptorType": "HTTPExport",
    "type": "http",
    "http": {"formType": "assistant", "auth": {"token": "******", "kind": "bearer"}},
    "mockOutput": {"email": "x"},
}


def project(query: str) -> JsonObject:
    return projection(Request.of("GET", f"/v1/exports?{query}"))(deepcopy(ROW))


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", set(ROW)),
        ("include=", set(ROW)),
        ("include=type", {"_id", "name", "adaptorType", "type", "mockOutput"}),
        ("include=nothing", {"_id", "name", "adaptorType", "mockOutput"}),
        ("include=type,,http", {"_id", "name", "adaptorType", "type", "http", "mockOutput"}),
        ("exclude=type,http", {"_id", "name", "adaptorType", "mockOutput"}),
        ("exclude=_id,mockOutput", set(ROW)),
        ("exclude=nothing.at.all", set(ROW)),
    ],
)
def test_named_fields_stay_or_go_but_payload_stays(query: str, keys: set[str]) -> None:
    assert set(project(query)) == keys


def test_a_dotted_name_reaches_into_a_block() -> None:
    assert project("include=http.formType,http.auth.kind")["http"] == {
        "formType": "assistant",
        "auth": {"kind": "bearer"},
    }
    assert project("exclude=http.auth.token")["http"] == {"formType": "assistant", "auth": {"kind": "bearer"}}


def test_projecting_does_not_change_the_row() -> None:
    row = deepcopy(ROW)
    projection(Request.of("GET", "/v1/exports?exclude=http.auth.token"))(row)
    projection(Request.of("GET", "/v1/exports?include=http.auth.kind"))(row)
    assert row == ROW


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("include=a&exclude=b", 400, "invalid_query_params"),
        ("include=a;b", 400, "invalid_query_params"),
        ("exclude=a%20b", 400, "invalid_query_params"),
        ("include[]=a", 500, "internal_error"),
        ("include%5B%5D=a", 500, "internal_error"),
    ],
)
def test_bad_projections_are_refused(query: str, status: int, code: str) -> None:
    with pytest.raises(Refused) as caught:
        project(query)
    answer = caught.value.answer
    assert answer.status == status
    assert code in str(answer.content)


@pytest.mark.parametrize("query", ["include=name", "exclude=name"])
def test_lists_that_know_no_projection_refuse_it(query: str) -> None:
    with pytest.raises(Refused):
        refuse_projection(Request.of("GET", f"/v1/audit?{query}"))
    refuse_projection(Request.of("GET", "/v1/audit"))
