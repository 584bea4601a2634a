"""Ages, purge times and assignments of open errors: they follow the records and the clock, and cost no request."""

import pytest

from exporter.api.errors import ServerError
from exporter.config.settings import ErrorsSettings
from tests.clocks import EPOCH
from tests.collect.errors_kit import ErrorsKit, record

HOUR, DAY = 3600.0, 86_400.0
STEP = ("flow-a", "imp-1")


@pytest.fixture
def kit() -> ErrorsKit:
    return ErrorsKit()


def bands(kit: ErrorsKit, integration: str = "int-1") -> tuple[int, ...]:
    """How many errors are older than 1 h, 24 h, 7 d and 25 d."""
    return tuple(kit.view.ages[integration].get(name, 0) for name in ("1h", "24h", "7d", "25d"))


def details_asked(kit: ErrorsKit) -> int:
    return len(kit.client.calls_of("flow_errors")) + len(kit.client.calls_of("step_errors"))


def test_ages_add_up_over_steps_and_flows_of_an_integration(kit: ErrorsKit) -> None:
    kit.client.open_errors = {
        STEP: [record("1", -2 * HOUR), record("2", -60.0)],
        ("flow-a", "exp-1"): [record("1", -2 * DAY)],
        ("flow-b", "imp-1"): [record("1", -26 * DAY)],
        ("flow-c", "imp-1"): [record("1", -8 * DAY)],
    }
    kit.collect()
    assert bands(kit, "int-1") == (3, 2, 1, 1)
    assert bands(kit, "int-2") == (1, 1, 1, 0)


def test_errors_grow_older_without_being_read_again(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    seen = [bands(kit)]
    for passed in (HOUR + 1, DAY, 6 * DAY, 18 * DAY):
        kit.next(passed)
        assert details_asked(kit) == 0
        seen.append(bands(kit))
    assert seen == [(0, 0, 0, 0), (3, 0, 0, 0), (3, 3, 0, 0), (3, 3, 3, 0), (3, 3, 3, 3)]


def test_ages_are_told_by_the_servers_clock(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 1)
    server_now = kit.client.server_now()
    kit.client.server_ahead = 2 * HOUR
    kit.collect()
    assert kit.client.server_now() == server_now + 2 * HOUR
    assert bands(kit) == (1, 0, 0, 0)


def test_a_purge_comes_near_without_being_read_again(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [record("1", 0.0, purge=10 * DAY), record("2", 0.0, purge=4 * DAY), record("3", 0.0)]
    kit.collect()
    seen = [kit.view.expiring["int-1"]]
    for passed in (DAY, 5 * DAY, 5 * DAY):
        kit.next(passed)
        assert details_asked(kit) == 0
        seen.append(kit.view.expiring["int-1"])
    assert seen == [0, 1, 1, 2]


def test_a_record_without_an_instant_has_no_age_and_counts_in_everything_else(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [
        record("1", None, purge=DAY, assigned=False, code="A"),
        record("2", -2 * HOUR, assigned=False, code="A"),
    ]
    kit.collect()
    assert bands(kit) == (1, 0, 0, 0)
    assert (kit.view.expiring["int-1"], kit.view.unassigned["int-1"]) == (1, 2)
    assert (kit.view.codes, kit.view.sampled_ratio) == ({"A": 2}, 1.0)


def test_an_integration_without_errors_is_at_zero_in_everything(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 1, assigned=False)
    kit.collect()
    assert bands(kit, "int-2") == (0, 0, 0, 0)
    assert (kit.view.expiring["int-2"], kit.view.unassigned["int-2"]) == (0, 0)


@pytest.mark.parametrize("name", ["flow_errors", "step_errors"])
def test_an_integration_of_whose_errors_no_record_was_read_is_absent(name: str, kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3, assigned=False, purge=DAY)
    kit.client.always(name, ServerError("/v1/flows/{flowId}/errors", status=500))
    kit.collect()
    assert set(kit.view.ages) == set(kit.view.expiring) == set(kit.view.unassigned) == {"int-2"}


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [
        ((None, None), None),
        ((False, False), 2),
        ((True, True), 0),
        ((True, False), 1),
        ((True, None), 1),
        ((False, None), 2),
    ],
    ids=["not-served", "nobody", "everybody", "one", "one-and-left-out", "null-and-left-out"],
)
def test_unassigned_errors_are_counted_where_assignments_are_served(
    assigned: tuple[bool | None, bool | None], expected: int | None, kit: ErrorsKit
) -> None:
    kit.client.open_errors[STEP] = [record("1", assigned=assigned[0])]
    kit.client.open_errors[("flow-b", "imp-1")] = [record("1", assigned=assigned[1])]
    kit.collect()
    assert kit.view.unassigned.get("int-1") == expected
    assert bands(kit) == (0, 0, 0, 0)


@pytest.mark.parametrize("left", [2, 0], ids=["some-left", "none-left"])
def test_bands_follow_when_errors_were_resolved_or_purged(left: int, kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [
        record(str(age), -age, purge=30 * DAY - age, assigned=False) for age in (60.0, 2 * HOUR, 2 * DAY, 29 * DAY)
    ]
    kit.collect()
    assert (bands(kit), kit.view.expiring["int-1"], kit.view.unassigned["int-1"]) == ((3, 2, 1, 1), 1, 4)
    kit.client.open_errors[STEP] = kit.client.open_errors[STEP][:left]
    kit.next()
    assert (bands(kit), kit.view.expiring["int-1"], kit.view.unassigned["int-1"]) == ((left // 2, 0, 0, 0), 0, left)
    assert kit.view.integrations["int-1"] == left
    assert kit.view.sampled_ratio == 1.0


def test_nothing_is_older_than_what_is_open_in_any_view_of_a_flow_that_cleared(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [record("1", -2 * DAY, purge=DAY, assigned=False)]
    kit.collect()
    kit.resolve(*STEP)
    kit.published.history.clear()
    kit.next()
    assert len(kit.published.history) == 2
    for view in kit.published.history:
        assert view.integrations["int-1"] == 0
        assert sum(view.ages["int-1"].values()) + view.expiring["int-1"] + view.unassigned["int-1"] == 0


def test_above_the_cap_of_pages_the_ratio_tells_and_totals_stay_exact() -> None:
    kit = ErrorsKit(ErrorsSettings(pages_per_step=2))
    kit.client.record_page_size = 10
    kit.client.open_errors[STEP] = [record(str(n), -2 * DAY, purge=DAY, assigned=False) for n in range(50)]
    kit.client.open_errors[("flow-b", "imp-1")] = [record(str(n), -2 * HOUR, assigned=True) for n in range(5)]
    kit.collect()
    assert kit.view.integrations == {"int-1": 55, "int-2": 0}
    assert kit.flows == {"flow-a": 50, "flow-b": 5, "flow-c": 0}
    assert kit.view.sampled_ratio == 25 / 55
    assert bands(kit) == (25, 20, 0, 0)
    assert (kit.view.expiring["int-1"], kit.view.unassigned["int-1"]) == (20, 20)


def test_an_account_that_falls_below_the_cap_is_complete_again() -> None:
    kit = ErrorsKit(ErrorsSettings(pages_per_step=1))
    kit.client.record_page_size = 10
    kit.client.open_errors[STEP] = [record(str(n), -2 * DAY) for n in range(30)]
    kit.collect()
    assert kit.view.sampled_ratio == 10 / 30
    kit.client.open_errors[STEP] = kit.client.open_errors[STEP][:8]
    kit.next()
    assert (kit.view.sampled_ratio, bands(kit)) == (1.0, (8, 8, 0, 0))


def test_ages_of_a_flow_that_moved_move_along(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [record("1", -2 * HOUR)]
    kit.collect()
    kit.client.flow_homes["flow-a"] = "int-2"
    kit.next()
    assert (bands(kit, "int-1"), bands(kit, "int-2")) == ((0, 0, 0, 0), (1, 0, 0, 0))


def test_ages_vanish_with_the_integration(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [record("1", -2 * HOUR, assigned=True)]
    kit.collect()
    kit.client.integration_ids = ["int-2"]
    kit.client.flow_homes = {"flow-c": "int-2"}
    kit.next()
    assert set(kit.view.ages) == set(kit.view.expiring) == set(kit.view.unassigned) == {"int-2"}


def test_the_oldest_error_and_the_bands_are_of_the_same_records(kit: ErrorsKit) -> None:
    kit.client.open_errors[STEP] = [record("1", -2 * HOUR), record("2", -3 * DAY), record("3", -1.0)]
    kit.collect()
    assert kit.view.oldest["flow-a"] == EPOCH - 3 * DAY
    assert bands(kit) == (2, 1, 0, 0)
