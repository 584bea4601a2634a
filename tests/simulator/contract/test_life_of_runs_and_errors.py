"""Schedules, purging and bounds over longer times: what the rest of the project relies on when days are simulated."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import Account, Launch

Row = dict[str, Any]
HOUR = 3600.0
DAY = 24 * HOUR


def named_by(schedule: str, zone: str, created: str) -> bool:
    """Whether a six-field schedule names the minute of an instant, in the flow's own time zone (contract 2)."""
    minute = datetime.fromisoformat(created).astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    fields = [field if field != "?" else "*" for field in schedule.split()[1:]]
    return bool(next(CronSim(" ".join(fields), minute - timedelta(minutes=1))) == minute)


def schedules(flow: Row) -> dict[str, str]:
    """The schedule that counts for each generator: its own wins over the flow's."""
    found = {g["_exportId"]: g.get("schedule", flow.get("schedule")) for g in flow.get("pageGenerators", [])}
    if "_exportId" in flow:
        found[flow["_exportId"]] = flow.get("schedule")
    return {export: text for export, text in found.items() if isinstance(text, str)}


def test_scheduled_runs_are_created_in_the_minutes_of_their_schedule_in_the_zone_of_their_flow(api: Api) -> None:
    flows = {flow["_id"]: flow for flow in api.rows("/v1/flows")}
    chained = {child for flow in flows.values() for child in flow.get("_runNextFlowIds", [])}
    zones = set()
    for run in api.jobs(type="flow", createdAt_gte="2020-01-01"):
        flow = flows[run["_flowId"]]
        schedule = schedules(flow).get(run["_exportId"])
        if schedule is None or flow["_id"] in chained:
            continue
        zones.add(flow.get("timezone", "UTC"))
        assert named_by(schedule, flow.get("timezone", "UTC"), run["createdAt"]), (schedule, run["createdAt"])
    assert len(zones) >= 3


def test_every_minute_of_an_every_minute_schedule_has_a_run(account: Account) -> None:
    since = int(account.control.now() * 1000) + 1
    account.advance(HOUR)
    runs = account.api.jobs(type="flow", createdAt_gte=since)
    busiest = max({run["_flowId"] for run in runs}, key=lambda f: sum(r["_flowId"] == f for r in runs))
    minutes = {run["createdAt"][:16] for run in runs if run["_flowId"] == busiest}
    assert len(minutes) >= 58


def test_disabled_flows_do_not_run(account: Account) -> None:
    disabled = {flow["_id"] for flow in account.api.rows("/v1/flows") if flow.get("disabled")}
    since = int(account.control.now() * 1000) + 1
    account.advance(12 * HOUR)
    assert disabled
    assert not disabled & {run["_flowId"] for run in account.api.jobs(createdAt_gte=since)}


def test_the_last_execution_of_a_flow_moves_with_its_runs(account: Account) -> None:
    before = {flow["_id"]: flow.get("lastExecutedAt", "") for flow in account.api.rows("/v1/flows")}
    account.advance(6 * HOUR)
    after = {flow["_id"]: flow.get("lastExecutedAt", "") for flow in account.api.rows("/v1/flows")}
    assert all(after[flow_id] >= before[flow_id] for flow_id in before)
    assert any(after[flow_id] > before[flow_id] for flow_id in before)


def test_retries_happen_and_resolve_errors(account: Account) -> None:
    since = int(account.control.now() * 1000) + 1
    account.advance(2 * DAY)
    retries = account.api.jobs(type="retry", createdAt_gte=since)
    assert retries
    assert any(row["numResolved"] > 0 for row in retries)


def open_records(account: Account) -> list[Row]:
    """Every open record of the account."""
    found = []
    for flow in account.api.rows("/v1/flows"):
        for row in (account.api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            records = account.api.step_errors(flow["_id"], row["_expOrImpId"])
            assert row["numError"] == len(records)
            found += records
    return found


def test_open_errors_are_gone_after_the_retention(launch: Launch) -> None:
    with launch(flows=12, retention_seconds=2 * DAY, backlog=False) as account:
        old = {record["errorId"] for record in open_records(account)}
        assert old
        account.advance(2 * DAY + HOUR)
        assert not old & {record["errorId"] for record in open_records(account)}


def test_stored_errors_of_a_step_stay_under_the_cap_and_counts_stay_exact(launch: Launch) -> None:
    with launch(flows=12, errors_per_step_cap=25, error_rate=1.0) as account:
        account.advance(DAY)
        counts = [
            row["numError"]
            for flow in account.api.rows("/v1/flows")
            for row in (account.api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", [])
        ]
        assert open_records(account)
        assert max(counts) <= 25


@pytest.mark.parametrize("failure_rate", [0.0, 1.0])
def test_the_failure_rate_decides_how_many_runs_fail(failure_rate: float, launch: Launch) -> None:
    with launch(failure_rate=failure_rate, history_seconds=0, backlog=False) as account:
        account.advance(6 * HOUR)
        statuses = [
            run["status"] for run in account.api.jobs(type="flow", createdAt_gte="2020-01-01") if "endedAt" in run
        ]
        assert statuses
        assert ("failed" in statuses) is (failure_rate == 1.0)
        assert "completed" not in statuses or failure_rate == 0.0


def test_a_run_in_progress_has_no_more_errors_than_it_will_end_with(account: Account) -> None:
    account.advance(10 * 60)
    running = {row["_id"]: row for row in account.api.current() if row["status"] == "running"}
    account.advance(4 * HOUR)
    ended = {row["_id"]: row for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01") if "endedAt" in row}
    followed = running.keys() & ended.keys()
    assert followed
    for identity in followed:
        for key in ("numSuccess", "numError", "numIgnore", "numPagesGenerated"):
            assert running[identity][key] <= ended[identity][key]
