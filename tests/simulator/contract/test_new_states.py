"""What the API serves while connections are busy, licences end, and errors are old; and after lifting."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulator.contract.account import step_ids
from tests.simulator.contract.conftest import Account
from tests.simulator.contract.test_incidents import HOUR, open_count, scheduled_flow

Row = dict[str, Any]
DAY = 24 * HOUR
USAGE = {
    "flows": ("flowUsage", "numEnabled"),
    "endpoints": ("endpointUsage", "numConsumed"),
    "agents": ("agentUsage", "numActive"),
    "trading_partners": ("tradingPartnerUsage", "numConsumed"),
}


def connections(account: Account) -> list[Row]:
    """Every connection with its queue."""
    return account.api.rows("/v1/connections", fetchQueueSize="true")


def connection(account: Account, identity: str) -> Row:
    return next(row for row in connections(account) if row["_id"] == identity)


def queued(row: Row) -> int:
    size: int = row["queueSize"] if "queueSize" in row else row["queues"][0]["size"]
    return size


def seconds_from_now(account: Account, stamp: str) -> float:
    return datetime.fromisoformat(stamp).astimezone(UTC).timestamp() - account.control.now()


@pytest.mark.parametrize("shape", ["queueSize", "queues"])
def test_a_queue_holds_what_is_told_and_grows_by_the_minute_until_lifted(shape: str, account: Account) -> None:
    target = next(row for row in connections(account) if shape in row)
    incident = account.control.inject("connection_queue", connection=target["_id"], messages=5000, per_minute=12.5)
    assert queued(connection(account, target["_id"])) == 5000
    account.advance(HOUR)
    assert queued(connection(account, target["_id"])) == 5750
    account.control.inject("connection_offline", connection=target["_id"])
    truth = {row["id"]: row["queue"] for row in account.control.truth()["connections"]}
    assert truth[target["_id"]] == queued(connection(account, target["_id"])) == 5750
    account.control.lift_all()
    assert queued(connection(account, target["_id"])) < 30
    assert incident not in {row["id"] for row in account.control.incidents()}


def test_a_queue_keeps_its_length_when_nothing_comes(account: Account) -> None:
    target = connections(account)[0]["_id"]
    account.control.inject("connection_queue", connection=target, messages=0)
    account.advance(HOUR)
    assert queued(connection(account, target)) == 0


def test_every_connection_shows_the_concurrency_that_is_told_and_its_own_after_lifting(account: Account) -> None:
    before = account.api.rows("/v1/connections")
    incidents = [
        account.control.inject("connection_concurrency", connection=row["_id"], level=number)
        for number, row in enumerate(before)
    ]
    told = [row[row["type"]]["concurrencyLevel"] for row in account.api.rows("/v1/connections")]
    assert told == list(range(len(before)))
    for incident in incidents:
        account.control.lift(incident)
    assert account.api.rows("/v1/connections") == before


def test_licences_end_when_told_until_lifted(account: Account) -> None:
    before = account.api.get("/v1/licenses")
    incident = account.control.inject("license_expires", days=6.5)
    for row in account.api.get("/v1/licenses"):
        ends = row.get("expires") or row["trialEndDate"]
        assert seconds_from_now(account, ends) == pytest.approx(6.5 * DAY, abs=1)
    account.control.lift(incident)
    assert account.api.get("/v1/licenses") == before


def test_one_licence_alone_may_end_and_may_have_ended(account: Account) -> None:
    platform = next(row for row in account.api.get("/v1/licenses") if row["type"] == "platform")
    others = [row for row in account.api.get("/v1/licenses") if row["_id"] != platform["_id"]]
    account.control.inject("license_expires", days=-1, license=platform["_id"])
    rows = {row["_id"]: row for row in account.api.get("/v1/licenses")}
    assert seconds_from_now(account, rows.pop(platform["_id"])["expires"]) == pytest.approx(-DAY, abs=1)
    assert list(rows.values()) == others


@pytest.mark.parametrize("share", [0, 0.5, 0.95, 1, 1.5], ids=str)
@pytest.mark.parametrize(
    ("entitlement", "production", "sandbox"),
    [("flows", 1000, 1000), ("endpoints", 25, 10), ("agents", 3, None), ("trading_partners", 3, None)],
)
def test_so_much_is_used_of_what_was_bought_until_lifted(
    entitlement: str, production: int, sandbox: int | None, share: float, account: Account
) -> None:
    block, number = USAGE[entitlement]
    before = account.api.get("/v1/licenseEntitlementUsage")
    incident = account.control.inject("entitlement_used", entitlement=entitlement, share=share)
    usage = account.api.get("/v1/licenseEntitlementUsage")
    for environment, entitled in (("production", production), ("sandbox", sandbox)):
        if entitled is None:
            assert block not in usage[environment]
            continue
        assert 0 <= usage[environment].pop(block)[number] - share * entitled < 1
        kept = {key: value for key, value in before[environment].items() if key != block}
        assert usage[environment] == kept
    account.control.lift(incident)
    assert account.api.get("/v1/licenseEntitlementUsage") == before


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "license_expires"},
        {"kind": "license_expires", "days": 5, "license": "nobody"},
        {"kind": "entitlement_used", "entitlement": "storage", "share": 1},
        {"kind": "entitlement_used", "entitlement": "flows", "share": 1.6},
        {"kind": "connection_queue", "connection": "nobody", "messages": 1},
        {"kind": "connection_queue", "connection": "nobody", "messages": -1},
        {"kind": "connection_concurrency", "connection": "nobody", "level": 1},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: Row, account: Account) -> None:
    assert account.control.raw("POST", "/incidents", json=options).status_code == 400
    assert account.control.incidents() == []


def records(account: Account, flow: Row, code: str) -> list[Row]:
    found = [row for step in step_ids(flow) for row in account.api.step_errors(flow["_id"], step)]
    return [row for row in found if row["code"] == code]


def test_old_errors_have_occurred_so_long_ago_and_are_purged_in_time(account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("schedule_stopped", flow=flow["_id"])
    runs, before = len(account.api.jobs(_flowId=flow["_id"])), open_count(account.api, flow)
    account.control.inject("error_storm", flow=flow["_id"], count=40, code="E-79", age_seconds=28 * DAY)
    found = records(account, flow, "E-79")
    assert len({row["errorId"] for row in found}) == 40
    for row in found:
        assert seconds_from_now(account, row["occurredAt"]) == pytest.approx(-28 * DAY, abs=1)
        assert seconds_from_now(account, row["purgeAt"]) == pytest.approx(2 * DAY, abs=1)
    # The run that raised them is none that the API still knows of.
    assert len(account.api.jobs(_flowId=flow["_id"])) == runs
    assert open_count(account.api, flow) == before + 40
    account.advance(2 * DAY - 60)
    assert len(records(account, flow, "E-79")) == 40
    account.advance(120)
    assert records(account, flow, "E-79") == []


def test_lifting_resolves_what_is_left_of_the_old_errors(account: Account) -> None:
    flow = scheduled_flow(account.api)
    incident = account.control.inject("error_storm", flow=flow["_id"], count=4, code="E-80", age_seconds=DAY)
    account.control.inject("error_storm", flow=flow["_id"], count=5, code="E-81", age_seconds=DAY)
    account.control.lift(incident)
    assert (records(account, flow, "E-80"), len(records(account, flow, "E-81"))) == ([], 5)


def test_errors_that_would_be_purged_already_are_refused(account: Account) -> None:
    flow = scheduled_flow(account.api)["_id"]
    options = {"kind": "error_storm", "flow": flow, "count": 4, "age_seconds": 30 * DAY}
    assert account.control.raw("POST", "/incidents", json=options).status_code == 400


@pytest.mark.parametrize("age", [0, HOUR], ids=["fresh", "old"])
@pytest.mark.parametrize("assigned", [True, False])
def test_errors_are_assigned_all_or_none_as_told(assigned: bool, age: float, account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("error_storm", flow=flow["_id"], count=200, code="E-82", assigned=assigned, age_seconds=age)
    found = records(account, flow, "E-82")
    assert {bool(row["assignedTo"]) for row in found} == {assigned}
    assert len({type(row["assignedTo"]) for row in found}) > 1
    step = next(step for step in step_ids(flow) if any(r["code"] == "E-82" for r in open_records(account, flow, step)))
    unassigned = account.control.truth()["open_errors"][flow["_id"]][step]["unassigned"]
    assert unassigned == sum(not row["assignedTo"] for row in open_records(account, flow, step))


def open_records(account: Account, flow: Row, step: str) -> list[Row]:
    return account.api.step_errors(flow["_id"], step)
