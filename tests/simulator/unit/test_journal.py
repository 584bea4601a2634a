"""The request log: what it keeps and what it must not."""

import pytest

from exporter.simulator import journal
from exporter.simulator.clock import ManualTime
from exporter.simulator.journal import Journal
from exporter.simulator.messages import Request


def test_an_entry_holds_names_of_parameters_and_no_values_or_headers() -> None:
    log = Journal(ManualTime(7.0))
    request = Request.of("GET", "/v1/jobs?type=flow&type=retry&createdAt_gte=9", {"authorization": "Bearer secret"})
    log.arrived(request, "/v1/jobs", authorized=True)
    (row,) = log.rows()
    assert row == {
        "seq": 1,
        "at": 7.0,
        "method": "GET",
        "path": "/v1/jobs",
        "query": ["type", "createdAt_gte"],
        "template": "/v1/jobs",
        "status": None,
        "authorized": True,
    }


def test_the_status_is_filled_in_when_the_answer_is_known() -> None:
    log = Journal(ManualTime())
    log.arrived(Request.of("GET", "/v1/flows"), "/v1/flows", authorized=False).status = 401
    assert log.rows()[0]["status"] == 401


@pytest.mark.parametrize(("since", "left"), [(0, [1, 2, 3]), (2, [3]), (3, []), (99, [])], ids=str)
def test_rows_after_a_sequence_number(since: int, left: list[int]) -> None:
    log = Journal(ManualTime())
    for _ in range(3):
        log.arrived(Request.of("GET", "/"), "unknown", authorized=False)
    assert [row["seq"] for row in log.rows(since)] == left


def test_clearing_forgets_entries_and_total_but_not_the_sequence() -> None:
    log = Journal(ManualTime())
    log.arrived(Request.of("GET", "/"), "unknown", authorized=False)
    log.clear()
    assert (log.rows(), log.total) == ([], 0)
    log.arrived(Request.of("GET", "/"), "unknown", authorized=False)
    assert [row["seq"] for row in log.rows()] == [2]


def test_the_log_is_bounded_and_the_total_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_KEPT", 10)
    log = Journal(ManualTime())
    for _ in range(25):
        log.arrived(Request.of("GET", "/"), "unknown", authorized=False)
    assert [row["seq"] for row in log.rows()] == list(range(16, 26))
    assert log.total == 25
