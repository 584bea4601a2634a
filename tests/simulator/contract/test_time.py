"""The account's time can be frozen, sped up and advanced, and life follows it."""

import pytest

from tests.simulator.contract.conftest import START, Account, HandClock, Launch

HOUR = 3600.0


def test_time_begins_at_the_given_clock_with_the_given_speed(account: Account) -> None:
    assert account.control.time() == {"now": START, "speed": 1.0, "frozen": False}


def test_time_follows_the_clock_at_the_speed(launch: Launch) -> None:
    clock = HandClock()
    with launch(base_clock=clock, speed=60.0) as account:
        clock.reading += 10
        assert account.control.now() == pytest.approx(START + 600)
        account.control.set_time(speed=2)
        clock.reading += 10
        assert account.control.now() == pytest.approx(START + 620)


def test_a_change_of_speed_does_not_jump(account: Account) -> None:
    account.clock.reading += 100
    assert account.control.set_time(speed=1000)["now"] == pytest.approx(START + 100)


def test_frozen_time_stands_still_and_goes_on_where_it_stood(account: Account) -> None:
    assert account.control.set_time(frozen=True)["frozen"] is True
    account.clock.reading += 500
    assert account.control.now() == pytest.approx(START)
    assert account.control.set_time(frozen=False)["frozen"] is False
    account.clock.reading += 5
    assert account.control.now() == pytest.approx(START + 5)


@pytest.mark.parametrize("frozen", [True, False])
def test_advance_moves_time_also_while_frozen(frozen: bool, account: Account) -> None:
    account.control.set_time(frozen=frozen)
    assert account.control.set_time(advance=3600)["now"] == pytest.approx(START + HOUR)
    assert account.control.time()["frozen"] is frozen


def test_without_time_nothing_happens(account: Account) -> None:
    before = [account.api.jobs(createdAt_gte="2020-01-01"), account.control.truth(), account.api.current()]
    account.control.set_time(frozen=True)
    account.clock.reading += 100 * HOUR
    assert [account.api.jobs(createdAt_gte="2020-01-01"), account.control.truth(), account.api.current()] == before


def test_an_hour_brings_new_runs_and_each_is_created_within_it(account: Account) -> None:
    before = {row["_id"] for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01")}
    account.advance(HOUR)
    fresh = [row for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01") if row["_id"] not in before]
    assert fresh
    begin = account.api.jobs(type="flow", createdAt_gte=int(START * 1000))
    assert {row["_id"] for row in fresh} <= {row["_id"] for row in begin}


def test_a_minute_shows_life_in_the_default_account(launch: Launch) -> None:
    with launch(flows=60) as account:
        before = {row["_id"] for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01")}
        account.advance(60)
        fresh = {row["_id"] for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01")} - before
        assert len(fresh) >= 2


def test_running_runs_move_forward_and_end(account: Account) -> None:
    seen: dict[str, list[tuple[str, int]]] = {}
    for _ in range(60):
        account.advance(20)
        for row in account.api.jobs(type="flow", createdAt_gte=int(START * 1000)):
            seen.setdefault(row["_id"], []).append((row["status"], row.get("numPagesGenerated", 0)))
    order = ["queued", "running", "completed"]
    walked = [list(dict.fromkeys(status for status, _ in steps)) for steps in seen.values()]
    assert any(steps == order or steps == order[1:] for steps in walked)
    for steps in seen.values():
        pages = [number for _, number in steps]
        assert pages == sorted(pages)
        statuses = [status for status, _ in steps]
        ended = next(
            (i for i, status in enumerate(statuses) if status in {"completed", "failed", "canceled"}), len(steps)
        )
        assert len(set(statuses[ended:])) <= 1
    moving = [steps for steps in seen.values() if len({n for status, n in steps if status == "running"}) > 1]
    assert moving


def test_the_history_lies_behind_now(launch: Launch) -> None:
    with launch(history_seconds=2 * HOUR, backlog=False) as account:
        rows = account.api.jobs(type="flow", createdAt_gte="2020-01-01")
        assert rows
        early = account.api.jobs(type="flow", createdAt_lte=int((START - 2 * HOUR) * 1000) - 1)
        assert early == []


def test_without_history_and_backlog_the_account_starts_without_runs(launch: Launch) -> None:
    with launch(history_seconds=0, backlog=False) as account:
        assert account.api.jobs(type="flow", createdAt_lte=int(START * 1000) - 1) == []
        account.advance(HOUR)
        assert account.api.jobs(type="flow", createdAt_gte="2020-01-01")


def test_a_chained_flow_runs_after_its_parent(launch: Launch) -> None:
    with launch(flows=60, history_seconds=24 * HOUR) as account:
        flows = {flow["_id"]: flow for flow in account.api.rows("/v1/flows")}
        pairs = [(flow["_id"], child) for flow in flows.values() for child in flow.get("_runNextFlowIds", [])]
        ran = 0
        for parent, child in pairs:
            ends = {
                row["endedAt"] for row in account.api.jobs(type="flow", _flowId=parent) if row["status"] == "completed"
            }
            for row in account.api.jobs(type="flow", _flowId=child):
                assert any(end <= row["createdAt"] for end in ends)
                ran += 1
        assert ran


def test_a_listener_runs_without_a_schedule(launch: Launch) -> None:
    with launch(flows=60) as account:
        webhooks = {row["_id"] for row in account.api.rows("/v1/exports") if row.get("type") == "webhook"}
        account.advance(2 * HOUR)
        assert any(
            row["_exportId"] in webhooks for row in account.api.jobs(type="flow", createdAt_gte=int(START * 1000))
        )


def test_a_month_passes_in_one_step(launch: Launch) -> None:
    with launch(flows=12, history_seconds=0) as account:
        account.advance(20 * 24 * HOUR)
        assert account.api.call("GET", "/v1/flows").status_code == 200
