"""What the page tells of each collector: state, age, cost, and why the newest run failed."""

import re
from collections.abc import Mapping, Sequence

import pytest

from exporter.collectors import COLLECTORS
from tests.serve.page.reading import notices, table
from tests.serve.rig import Rig, rig


def rows(exporter: Rig) -> Mapping[str, Sequence[str]]:
    """Texts of the cells by collector."""
    return table(exporter.get("/").text, "collector-rows")


def advice(exporter: Rig) -> Sequence[str]:
    """What to do; the clock that a test moved on is left out."""
    return [line for line in notices(exporter.get("/").text) if not line.startswith("clock")]


def test_every_collector_has_a_row_and_waits_before_its_first_run() -> None:
    with rig() as exporter:
        found = rows(exporter)
        assert list(found) == list(COLLECTORS)
        assert {cells[0] for cells in found.values()} == {"waiting"}
        assert {cells[1] for cells in found.values()} == {"never"}


def test_a_success_has_age_interval_duration_and_requests() -> None:
    with rig() as exporter:
        exporter.scrape()
        exporter.idle()
        state, age, every, took, requests, errors, failure = rows(exporter)["connections"]
        assert (state, every, requests, errors, failure) == ("ok", "60 s", "1", "0", "")
        assert re.fullmatch(r"\d s ago", age)
        assert re.fullmatch(r"\d+\.\d\d s", took)


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(-7200, "0 s ago"), (150, "2 min ago"), (7000, "116 min ago"), (7200, "2 h ago"), (300_000, "3 d ago")],
)
def test_ages_are_told_in_the_largest_unit(seconds: float, age: str) -> None:
    with rig() as exporter:
        exporter.scrape("?collect[]=health")
        exporter.idle()
        exporter.clock.advance(seconds)
        assert rows(exporter)["health"][1] == age


@pytest.mark.parametrize(
    ("status", "state", "failure"),
    [
        (500, "failed", "GET /v1/connections: server_error (HTTP 500)"),
        (403, "off", "GET /v1/connections: forbidden (HTTP 403)"),
    ],
)
def test_a_failure_is_one_line_beside_its_collector_alone(status: int, state: str, failure: str) -> None:
    with rig() as exporter:
        exporter.upstream.answers["/v1/connections"] = (status, {"errors": [{"code": "x", "message": "<b>secret</b>"}]})
        exporter.scrape()
        exporter.idle()
        found = rows(exporter)
        assert found["connections"][0] == state
        assert found["connections"][-2:] == ["1", failure]
        assert {name for name, cells in found.items() if cells[-1]} == {"connections"}
        assert "secret" not in exporter.get("/").text


def test_advice_goes_with_its_failure() -> None:
    with rig() as exporter:
        exporter.upstream.answers["/v1/connections"] = (403, {"message": "Forbidden"})
        exporter.scrape()
        exporter.idle()
        assert len(advice(exporter)) == 1
        exporter.upstream.answers["/v1/connections"] = (200, [])
        exporter.clock.advance(400)
        exporter.scrape()
        exporter.idle()
        assert not advice(exporter)


def test_a_failure_of_the_same_kind_everywhere_is_one_piece_of_advice() -> None:
    with rig() as exporter:
        for path in ("/v1/tokenInfo", "/v1/integrations", "/v1/flows", "/v1/connections", "/v1/jobs/current"):
            exporter.upstream.answers[path] = (401, {"message": "Unauthorized"})
        exporter.scrape()
        exporter.idle()
        assert len(advice(exporter)) == 1
