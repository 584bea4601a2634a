"""What the API serves of a flow whose runs an incident bends, while it holds and after it was lifted."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.simulator.contract.conftest import Account
from tests.simulator.contract.test_incidents import HOUR, runs_after, scheduled_flow

Row = dict[str, Any]


def between(row: Row, first: str, second: str) -> float:
    """Seconds from one instant of the row to another."""
    return (datetime.fromisoformat(row[second]) - datetime.fromisoformat(row[first])).total_seconds()


def served(account: Account, flow_id: str, seconds: float) -> list[Row]:
    """Let time pass; the runs that were created in it and have ended, but for the rare canceled ones."""
    since = int(account.control.now() * 1000) + 1
    account.advance(seconds)
    return [row for row in runs_after(account.api, flow_id, since) if row["status"] in {"completed", "failed"}]


CASES: dict[str, tuple[Row, Callable[[Row], bool]]] = {
    "flow_failing": ({}, lambda row: (row["status"], row["numError"], row["numExport"]) == ("failed", 1, 0)),
    "flow_erroring": ({"share": 0.5}, lambda row: row["numError"] == (row["numExport"] + 1) // 2),
    "flow_empty": ({}, lambda row: row["numExport"] == row["numSuccess"] == row["numPagesGenerated"] == 0),
    "flow_records": ({"records": 77}, lambda row: row["numExport"] == 77),
    "flow_slow": ({"seconds": 1234}, lambda row: between(row, "startedAt", "endedAt") == 1234),
    "flow_waiting": ({"seconds": 321}, lambda row: between(row, "createdAt", "startedAt") == 321),
}


@pytest.mark.parametrize(("kind", "options", "as_told"), [(kind, *case) for kind, case in CASES.items()], ids=CASES)
def test_every_run_is_as_told_until_lifted(
    kind: str, options: Row, as_told: Callable[[Row], bool], quiet: Account
) -> None:
    flow_id = scheduled_flow(quiet.api)["_id"]
    assert not all(map(as_told, served(quiet, flow_id, 3 * HOUR)))
    incident = quiet.control.inject(kind, flow=flow_id, **options)
    bent = served(quiet, flow_id, 3 * HOUR)
    assert len(bent) > 2
    assert all(map(as_told, bent))
    quiet.control.lift(incident)
    quiet.advance(HOUR)
    assert not all(map(as_told, served(quiet, flow_id, 3 * HOUR)))


@pytest.fixture
def quiet(launch: Callable[..., Any]) -> Any:
    """An account whose runs neither fail nor err by themselves."""
    with launch(failure_rate=0.0, error_rate=0.0, backlog=False) as account:
        yield account


@pytest.mark.parametrize("status", ["retrying", "canceling"])
def test_a_run_that_is_stuck_so_is_a_current_one_that_has_started(status: str, quiet: Account) -> None:
    flow_id = scheduled_flow(quiet.api)["_id"]
    incident = quiet.control.inject("run_stuck", flow=flow_id, status=status)
    quiet.advance(12 * HOUR)
    (row,) = [row for row in quiet.api.current() if row["_flowId"] == flow_id and row["status"] == status]
    assert (row["type"], "startedAt" in row, "endedAt" in row) == ("flow", True, False)
    quiet.control.lift(incident)
    quiet.advance(60)
    ended = quiet.api.get(f"/v1/jobs/{row['_id']}")
    assert (ended["status"] == "canceled", "canceledBy" in ended) == (status == "canceling", status == "canceling")
    assert "endedAt" in ended


@pytest.mark.parametrize("kind", ["flow_edited", "flow_unscheduled"])
def test_a_flow_is_changed_now_and_audited(kind: str, quiet: Account) -> None:
    before = scheduled_flow(quiet.api)
    incident = quiet.control.inject(kind, flow=before["_id"])
    after = quiet.api.get(f"/v1/flows/{before['_id']}")
    assert datetime.fromisoformat(after["lastModified"]).timestamp() == pytest.approx(quiet.control.now(), abs=1)
    assert ("schedule" in after) is (kind == "flow_edited")
    newest = quiet.api.rows("/v1/audit", _resourceId=before["_id"])[0]
    assert (newest["event"], newest["time"]) == ("update", after["lastModified"])
    kept = {key: value for key, value in before.items() if key not in {"lastModified", "schedule", "lastExecutedAt"}}
    assert kept == {key: after[key] for key in kept}
    quiet.control.lift(incident)
    assert quiet.api.get(f"/v1/flows/{before['_id']}") == before


def test_a_flow_without_a_schedule_starts_no_run_until_lifted(quiet: Account) -> None:
    flow_id = scheduled_flow(quiet.api)["_id"]
    incident = quiet.control.inject("flow_unscheduled", flow=flow_id)
    assert served(quiet, flow_id, 6 * HOUR) == []
    quiet.control.lift(incident)
    assert served(quiet, flow_id, 6 * HOUR) != []
