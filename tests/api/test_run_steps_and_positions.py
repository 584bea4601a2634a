"""The steps of a run and the position of a delta export: one small call each (contract 3.7, 3.14)."""

from typing import Any

import pytest
import requests_mock

from exporter.api.errors import InvalidJson, NotFound, UnexpectedShape
from exporter.api.models import StepJob
from tests.api.kit import BASE, FLOW, JOB, Kit

FAMILY = f"{BASE}/v1/jobs/{JOB}/family"
POSITION = f"{BASE}/v1/flows/{FLOW}/lastExportDateTime"
PARENT: dict[str, Any] = {"_id": JOB, "type": "flow", "status": "completed", "numSuccess": 30}


def child(name: str, **more: Any) -> dict[str, Any]:
    return {"_id": name, "type": "import", "_importId": f"step-{name}", "numSuccess": 10, **more}


class TestFamily:
    def test_each_child_is_a_step_with_its_own_counts(self, api: Kit, http: requests_mock.Mocker) -> None:
        export = {"_id": "a", "type": "export", "_exportId": "e1", "numSuccess": 7, "numError": 2, "numIgnore": 1}
        http.get(FAMILY, json={**PARENT, "children": [export, child("b")]})
        first, second = api.client.job_family(api.refresh(), JOB).rows
        assert (first.step_id, first.num_success, first.num_error, first.num_ignore) == ("e1", 7, 2, 1)
        assert (second.step_id, second.num_success, second.num_error, second.num_ignore) == ("step-b", 10, 0, 0)

    def test_a_child_that_cannot_be_read_costs_itself_alone(self, api: Kit, http: requests_mock.Mocker) -> None:
        http.get(FAMILY, json={**PARENT, "children": [child("a", numError="many"), child("b")]})
        listing = api.client.job_family(api.refresh(), JOB)
        assert [row.id for row in listing.rows] == ["b"]
        assert listing.unread == {"a"}
        assert api.last.rejected == {"wrong_type": 1}

    def test_a_child_comes_once(self, api: Kit, http: requests_mock.Mocker) -> None:
        http.get(FAMILY, json={**PARENT, "children": [child("a"), child("a")]})
        assert len(api.client.job_family(api.refresh(), JOB).rows) == 1

    @pytest.mark.parametrize("body", [PARENT, {**PARENT, "children": None}, [PARENT], 7], ids=repr)
    def test_without_a_list_of_children_nothing_is_known(
        self, api: Kit, http: requests_mock.Mocker, body: object
    ) -> None:
        http.get(FAMILY, json=body)
        with pytest.raises(UnexpectedShape):
            api.client.job_family(api.refresh(), JOB)

    def test_a_purged_run_is_not_found(self, api: Kit, http: requests_mock.Mocker) -> None:
        http.get(FAMILY, status_code=404)
        with pytest.raises(NotFound):
            api.client.job_family(api.refresh(), JOB)

    def test_a_child_without_a_step_has_none(self) -> None:
        assert StepJob(id="a").step_id is None


class TestPosition:
    def test_it_is_an_instant(self, api: Kit, http: requests_mock.Mocker) -> None:
        http.get(POSITION, json={"lastExportDateTime": "2026-08-30T09:00:00.000Z"})
        assert api.client.last_export(api.refresh(), FLOW) == 1_788_080_400.0

    @pytest.mark.parametrize(
        "answer",
        [
            {"json": {}},
            {"text": "null"},
            {"json": {"lastExportDateTime": None}},
            {"text": " null\n"},
            {"text": "", "headers": {"Content-Length": "0"}},
            {"status_code": 204},
        ],
        ids=["object", "null", "field", "blanks", "empty", "204"],
    )
    def test_a_flow_without_one_has_none(self, api: Kit, http: requests_mock.Mocker, answer: dict[str, Any]) -> None:
        http.get(POSITION, **answer)
        assert api.client.last_export(api.refresh(), FLOW) is None
        assert api.errors() == {}

    @pytest.mark.parametrize(
        ("text", "failure"),
        [
            ("{", InvalidJson),
            ("[]", UnexpectedShape),
            ('"2026-08-30"', UnexpectedShape),
            ('{"lastExportDateTime": "soon"}', UnexpectedShape),
            ('{"lastExportDateTime": 5}', UnexpectedShape),
        ],
    )
    def test_anything_else_is_a_failure(
        self, api: Kit, http: requests_mock.Mocker, text: str, failure: type[Exception]
    ) -> None:
        http.get(POSITION, text=text)
        with pytest.raises(failure):
            api.client.last_export(api.refresh(), FLOW)


class TestConcurrencyOfConnections:
    def test_only_the_number_of_each_block_is_asked_for(self, api: Kit, http: requests_mock.Mocker) -> None:
        http.get(f"{BASE}/v1/connections", json=[])
        api.client.connections(api.refresh())
        (asked,) = http.request_history[0].qs["include"]
        blocks = [name for name in asked.split(",") if "." in name]
        assert "netsuite.concurrencylevel" in blocks
        assert {name.split(".")[1] for name in blocks} == {"concurrencylevel"}

    def test_a_server_that_refuses_the_projection_is_asked_without(self, api: Kit, http: requests_mock.Mocker) -> None:
        row = {"_id": "c1", "type": "http", "http": {"concurrencyLevel": 9, "password": "hunter2"}}
        http.get(f"{BASE}/v1/connections", [{"status_code": 400}, {"json": [row]}])
        (connection,) = api.client.connections(api.refresh()).rows
        assert connection.concurrency == 9
        assert "include" not in http.request_history[1].qs
