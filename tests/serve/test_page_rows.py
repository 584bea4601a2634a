"""What the page tells of each collector: state, age, cost, and why the newest run failed."""

import re

import pytest

from exporter.collectors import COLLECTORS
from tests.serve.rig import Rig, rig


def rows(exporter: Rig) -> dict[str, list[str]]:
    """Texts of the cells by collector."""
    body = exporter.get("/").text.split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    found = {}
    for row in body.split("<tr>")[1:]:
        cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.split(r"</t[dh]>", row)[:-1]]
        found[cells[0]] = cells[1:]
    return found


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
        state, age, every, took, requests, failure = rows(exporter)["connections"]
        assert (state, every, requests, failure) == ("ok", "60 s", "1", "")
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
        assert (found["connections"][0], found["connections"][-1]) == (state, failure)
        assert {name for name, cells in found.items() if cells[-1]} == {"connections"}
        assert "secret" not in exporter.get("/").text


def test_advice_goes_with_its_failure() -> None:
    with rig() as exporter:
        exporter.upstream.answers["/v1/connections"] = (403, {"message": "Forbidden"})
        exporter.scrape()
        exporter.idle()
        assert exporter.get("/").text.count('class="advice"') == 1
        exporter.upstream.answers["/v1/connections"] = (200, [])
        exporter.clock.advance(400)
        exporter.scrape()
        exporter.idle()
        assert exporter.get("/").text.count('class="advice"') == 0


def test_a_failure_of_the_same_kind_everywhere_is_one_piece_of_advice() -> None:
    with rig() as exporter:
        for path in ("/v1/tokenInfo", "/v1/integrations", "/v1/flows", "/v1/connections", "/v1/jobs/current"):
            exporter.upstream.answers[path] = (401, {"message": "Unauthorized"})
        exporter.scrape()
        exporter.idle()
        assert exporter.get("/").text.count('class="advice"') == 1


def test_the_page_is_served_with_its_policy_and_is_not_kept() -> None:
    with rig() as exporter:
        answer = exporter.get("/")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
