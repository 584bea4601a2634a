"""Blocks are rebuilt when something they are made of changes, at no other time, and fail one by one."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from exporter.collect.base import Block, Each, Facts
from exporter.collect.model import AccountModel, Part
from exporter.expose import catalogue
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.expose.families import Family, Metric
from exporter.expose.snapshot import AccountSnapshots
from tests.clocks import EPOCH, ManualClock, run_together
from tests.expose.kit import ACME, Meeting, example, series_of

PARTS = (Part("flows", 300.0), Part("runs", 600.0))
STRANGE = Metric("celigo_strange", "gauge", "Not in the catalogue.", "nowhere")


class Builds:
    """A block whose builds are counted, of flow ids published as the `flows` view."""

    def __init__(self, name: str = "flows", metric: Metric = catalogue.FLOW_ENABLED, second: str = "runs") -> None:
        self.count = 0
        self.fails = False
        self._metric = metric
        self.block = Block(name, "inventory", ("flows", second), self._build)

    def _build(self, views: Mapping[str, Any]) -> Iterator[Family]:
        self.count += 1
        if self.fails:
            raise RuntimeError("a bug")
        marks = [*views["flows"], *(views["runs"] or ())]
        yield Family(self._metric, {(mark,): 1.0 for mark in marks})


class Account:
    """A model, a clock, and the snapshots of some blocks."""

    def __init__(self, clock: ManualClock, blocks: Sequence[Block], **options: Any) -> None:
        self.clock = clock
        self.model = AccountModel(PARTS)
        self.snapshots = AccountSnapshots(ACME, self.model, blocks, clock, **options)

    def publish(self, part: str, *marks: str) -> None:
        self.model.publish(part, marks, self.clock.monotonic())

    def current(self) -> tuple[RenderedBlock, ...]:
        return self.snapshots.current(self.clock.monotonic())

    def text(self) -> str:
        return b"".join(piece.text for block in self.current() for piece in block.lines.values()).decode()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_before_the_first_view_a_block_is_absent(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    assert account.current() == ()
    account.publish("runs", "x")
    assert account.current() == ()
    assert builds.count == 0


def test_a_block_is_rendered_with_the_scope_of_its_account(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block])
    account.publish("flows", "f1", "f2")
    (block,) = account.current()
    assert block.lines["celigo_flow_enabled"].text.decode().splitlines() == [
        'celigo_flow_enabled{account="acme",environment="production",flow_id="f1"} 1.0',
        'celigo_flow_enabled{account="acme",environment="production",flow_id="f2"} 1.0',
    ]
    assert block.series == {"celigo_flow_enabled": 2}
    assert block.collector == "inventory"
    assert block.built_at == EPOCH


def test_nothing_is_rebuilt_while_nothing_changes(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    account.publish("flows", "f1")
    first = account.current()
    for _ in range(10):
        clock.advance(20.0)
        assert [a is b for a, b in zip(account.current(), first, strict=True)] == [True]
    assert builds.count == 1


def test_a_new_view_rebuilds_the_blocks_made_of_it_and_no_other(clock: ManualClock) -> None:
    flows = Builds("flows", catalogue.FLOW_ENABLED)
    other = Block("runs", "jobs", ("runs",), lambda _: [example(catalogue.ACTIVE_RUNS)])
    account = Account(clock, [flows.block, other])
    account.publish("flows", "f1")
    account.publish("runs")
    _, before = account.current()
    account.publish("flows", "f1", "f2")
    block, after = account.current()
    assert flows.count == 2
    assert block.series == {"celigo_flow_enabled": 2}
    assert after is before


def test_what_is_read_anew_and_found_as_before_is_not_rebuilt_but_told_as_new(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    account.publish("flows", "f1")
    (before,) = account.current()
    clock.advance(60.0)
    account.publish("flows", "f1")
    (after,) = account.current()
    assert builds.count == 1
    assert after.lines == before.lines
    assert after.version != before.version
    assert (before.built_at, after.built_at) == (EPOCH, EPOCH + 60.0)


def test_what_was_as_before_is_rebuilt_when_it_changes_after_all(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    for marks in (("f1",), ("f1",), ("f1", "f2"), ("f1",)):
        account.publish("flows", *marks)
        (block,) = account.current()
        assert block.size == len(marks)
    assert builds.count == 3


def test_a_block_that_failed_is_built_again_of_the_same_views(clock: ManualClock) -> None:
    builds = Builds()
    builds.fails = True
    account = Account(clock, [builds.block])
    account.publish("flows", "f1")
    assert account.current() == ()
    builds.fails = False
    account.publish("flows", "f1")
    assert len(account.current()) == 1


def test_a_view_that_went_and_came_back_is_rebuilt_without_what_went(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    account.publish("runs", "r1")
    account.publish("flows", "f1")
    assert 'flow_id="r1"' in account.text()
    clock.advance(400.0)
    account.publish("flows", "f1")
    assert 'flow_id="r1"' in account.text()
    clock.advance(250.0)
    account.publish("flows", "f1")
    assert 'flow_id="r1"' not in account.text()


def test_a_block_is_rebuilt_when_one_of_its_further_views_changes(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    account.publish("flows", "f1")
    account.current()
    account.publish("runs", "r1")
    assert 'flow_id="r1"' in account.text()
    assert builds.count == 2


def test_every_build_has_a_version_of_its_own(clock: ManualClock) -> None:
    account = Account(clock, [Builds("a").block, Builds("b", catalogue.FLOW_OPEN_ERRORS).block])
    seen = []
    for _ in range(3):
        account.publish("flows", "f1")
        seen += [block.version for block in account.current()]
    assert len(set(seen)) == 6


def test_a_block_vanishes_when_its_first_view_is_stale_and_comes_back(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block])
    account.publish("flows", "f1")
    clock.advance(300.0)
    assert len(account.current()) == 1
    clock.advance(0.5)
    assert account.current() == ()
    account.publish("flows", "f1")
    assert len(account.current()) == 1


def test_a_further_view_that_becomes_stale_is_handed_over_as_unknown(clock: ManualClock) -> None:
    account = Account(clock, [Block("b", "jobs", ("runs", "flows"), _tells_whether_flows_are_known)])
    account.publish("runs")
    account.publish("flows", "f1")
    assert "} 1.0" in account.text()
    clock.advance(301.0)
    assert "} 0.0" in account.text()


def _tells_whether_flows_are_known(views: Mapping[str, Any]) -> Iterable[Family]:
    return [Family(catalogue.ACTIVE_RUNS, {("running",): float(views["flows"] is not None)})]


def test_a_block_that_cannot_be_built_leaves_the_others(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    broken, good = Builds("broken"), Builds("good", catalogue.FLOW_OPEN_ERRORS)
    broken.fails = True
    account = Account(clock, [broken.block, good.block])
    account.publish("flows", "f1")
    assert [set(block.lines) for block in account.current()] == [{"celigo_flow_open_errors"}]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_failing_build_is_tried_again_only_with_new_views_and_logged_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    builds = Builds()
    builds.fails = True
    account = Account(clock, [builds.block])
    for _ in range(3):
        account.publish("flows", "f1")
        for _ in range(3):
            assert account.current() == ()
    assert builds.count == 3
    assert len(caplog.records) == 1


def test_a_block_that_recovers_is_served_and_a_later_failure_logged_again(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    for number, fails in enumerate((True, False, True)):
        builds.fails = fails
        account.publish("flows", f"f{number}")
        assert len(account.current()) == (0 if fails else 1)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "families",
    [
        [Family(STRANGE, {(): 1.0})],
        [example(catalogue.FLOW_ENABLED), example(catalogue.FLOW_ENABLED)],
        [Family(catalogue.FLOW_ENABLED, {("a", "b"): 1.0})],
        [Family(catalogue.RUN_QUEUE_WAIT_SECONDS, {("a",): 1.0})],
    ],
    ids=["not-in-the-catalogue", "twice", "labels-do-not-fit", "wrong-kind-of-value"],
)
def test_families_that_would_spoil_the_document_are_left_out_as_a_block(
    clock: ManualClock, families: list[Family]
) -> None:
    account = Account(clock, [Block("b", "jobs", ("flows",), lambda _: families)])
    account.publish("flows")
    assert account.current() == ()


def test_a_family_without_series_is_not_in_the_block() -> None:
    held = [Family(catalogue.FLOW_ENABLED, {}), example(catalogue.ACTIVE_RUNS)]
    block = render_block("jobs", 1, held, ACME, 0.0)
    assert set(block.lines) == set(block.series) == {"celigo_active_runs"}


def test_a_newline_in_a_name_is_still_one_series() -> None:
    family = Family(catalogue.INTEGRATION_INFO, series_of(catalogue.INTEGRATION_INFO, ("1", "a\nb"), ("2", "c")))
    assert render_block("inventory", 1, [family], ACME, 0.0).series == {"celigo_integration_info": 2}


class Own:
    """Tells the number of series it saw, and of failed builds."""

    def __init__(self) -> None:
        self.count = 0
        self.extra = 0

    def state(
        self, blocks: Sequence[RenderedBlock], failures: Mapping[str, int], left_out: Mapping[str, int]
    ) -> object:
        seen = sum(count for block in blocks for count in block.series.values())
        return {
            "series": seen,
            "failures": sum(failures.values()),
            "extra": self.extra,
            "left_out": sum(left_out.values()),
        }

    def families(self, state: object) -> list[Family]:
        assert isinstance(state, dict)
        self.count += 1
        return [Family(catalogue.ACTIVE_RUNS, {(name,): float(value) for name, value in state.items()})]


def test_the_own_block_comes_last_and_sees_the_others(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block], own=Own())
    account.publish("flows", "f1", "f2", "f3")
    *_, own = account.current()
    assert own.collector == OWN_COLLECTOR
    assert b'status="series"} 3.0' in own.lines["celigo_active_runs"].text


def test_the_own_block_is_there_before_anything_is_known(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block], own=Own())
    assert [block.collector for block in account.current()] == [OWN_COLLECTOR]


def test_the_own_block_is_rebuilt_when_its_state_changes_and_at_no_other_time(clock: ManualClock) -> None:
    own = Own()
    account = Account(clock, [Builds().block], own=own)
    first = account.current()
    assert account.current()[-1] is first[-1]
    own.extra = 1
    assert account.current()[-1] is not first[-1]
    account.publish("flows", "f1")
    account.current()
    assert own.count == 3


def test_failed_builds_are_told_to_the_own_block(clock: ManualClock) -> None:
    builds = Builds()
    builds.fails = True
    account = Account(clock, [builds.block], own=Own())
    account.publish("flows", "f1")
    assert 'status="failures"} 1.0' in account.text()


def test_threads_that_come_together_share_one_build(clock: ManualClock) -> None:
    meeting = Meeting()

    def build(views: Mapping[str, Any]) -> Iterator[Family]:
        meeting.visit()
        yield Family(catalogue.FLOW_ENABLED, {(mark,): 1.0 for mark in views["flows"]})

    account = Account(clock, [Block("b", "inventory", ("flows",), build)])
    account.publish("flows", "f1")
    seen: list[tuple[RenderedBlock, ...]] = []
    run_together(clock, [lambda: seen.append(account.current())] * 8)
    assert len({id(block) for (block,) in seen}) == 1
    assert (meeting.visits, meeting.met) == (1, False)


class Slow:
    """A block whose second build waits until it is let go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.block = Block("slow", "inventory", ("flows",), self._build)

    def _build(self, views: Mapping[str, Any]) -> Iterator[Family]:
        if "f2" in views["flows"]:
            self.begun.set()
            assert self.go_on.wait(30)
        yield Family(catalogue.FLOW_ENABLED, {(mark,): 1.0 for mark in views["flows"]})


def test_who_comes_while_a_block_is_built_is_told_what_was_built_before_and_waits_for_nobody(
    clock: ManualClock,
) -> None:
    slow = Slow()
    account = Account(clock, [slow.block], own=Own())
    account.publish("flows", "f1")
    first, own = account.current()
    account.publish("flows", "f1", "f2")
    building = threading.Thread(target=account.snapshots.build, args=(clock.monotonic(),))
    building.start()
    assert slow.begun.wait(30)
    meanwhile = account.current()
    slow.go_on.set()
    building.join(30)
    assert [meanwhile[0] is first, meanwhile[1] is own] == [True, True]
    assert account.current()[0].series == {"celigo_flow_enabled": 2}


def test_what_became_stale_while_something_is_built_is_told_no_more(clock: ManualClock) -> None:
    slow = Slow()
    runs = Block("runs", "jobs", ("runs",), lambda _: [example(catalogue.ACTIVE_RUNS)])
    account = Account(clock, [slow.block, runs])
    account.publish("flows", "f1")
    account.publish("runs")
    assert len(account.current()) == 2
    clock.advance(601.0)
    account.publish("flows", "f1", "f2")
    building = threading.Thread(target=account.snapshots.build, args=(clock.monotonic(),))
    building.start()
    assert slow.begun.wait(30)
    meanwhile = [block.collector for block in account.current()]
    slow.go_on.set()
    building.join(30)
    assert meanwhile == ["inventory"]


def test_what_was_built_when_it_was_published_is_not_built_again_by_who_is_told(clock: ManualClock) -> None:
    builds = Builds()
    account = Account(clock, [builds.block])
    account.model.published = lambda: account.snapshots.build(clock.monotonic())
    account.publish("flows", "f1")
    assert builds.count == 1
    account.current()
    assert builds.count == 1


class Counted:
    """A block of a family for each flow, and one of the account; counts how many flows were built."""

    def __init__(self, label: str = "flow_id") -> None:
        self.rows = 0
        self.metric = catalogue.FLOW_ENABLED
        each = Each(
            label, lambda views: Facts((dict.fromkeys(views["flows"], 1),)), lambda known, _: known, self._build
        )
        self.block = Block("flows", "inventory", ("flows",), self._whole, each=(each,))

    def _whole(self, views: Mapping[str, Any]) -> Iterator[Family]:
        yield Family(catalogue.ACTIVE_RUNS, {("all",): float(len(views["flows"]))})

    def _build(self, rows: Mapping[str, Any]) -> Iterator[Family]:
        self.rows += len(rows)
        yield Family(self.metric, {(mark,): 1.0 for mark in rows})


def many(*more: str) -> tuple[str, ...]:
    return (*(f"f{number}" for number in range(2_000)), *more)


def test_of_a_block_of_many_rows_few_are_built_again_when_one_changes(clock: ManualClock) -> None:
    counted = Counted()
    account = Account(clock, [counted.block])
    account.publish("flows", *many())
    assert account.current()[0].series == {"celigo_active_runs": 1, "celigo_flow_enabled": 2_000}
    counted.rows = 0
    account.publish("flows", *many("another"))
    assert account.current()[0].series["celigo_flow_enabled"] == 2_001
    assert 0 < counted.rows < 200


def test_rows_that_were_not_known_for_a_time_are_not_all_built_again(clock: ManualClock) -> None:
    counted = Counted()
    account = Account(clock, [counted.block])
    account.publish("flows", *many())
    account.current()
    clock.advance(400.0)
    assert account.current() == ()
    counted.rows = 0
    account.publish("flows", *many())
    assert account.current()[0].series["celigo_flow_enabled"] == 2_000
    assert counted.rows == 0


def test_a_family_of_the_whole_and_of_the_rows_is_a_bug_of_this_block_alone(clock: ManualClock) -> None:
    counted, other = Counted(), Builds("other", catalogue.FLOW_OPEN_ERRORS)
    counted.block = replace(counted.block, build=lambda _: [Family(catalogue.FLOW_ENABLED, {("x",): 1.0})])
    account = Account(clock, [counted.block, other.block])
    account.publish("flows", "f1")
    assert [set(block.series) for block in account.current()] == [{"celigo_flow_open_errors"}]
    assert account.snapshots.newest.failures == {"inventory": 1}


def test_every_thread_gets_whole_blocks_while_views_are_published(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block])

    def publish_and_read() -> None:
        for number in range(50):
            account.publish("flows", *(f"f{n}" for n in range(number + 1)))
            (block,) = account.current()
            assert block.series["celigo_flow_enabled"] == block.lines["celigo_flow_enabled"].text.count(b"\n")

    run_together(clock, [publish_and_read] * 6)


def test_versions_seen_by_a_thread_never_go_back(clock: ManualClock) -> None:
    account = Account(clock, [Builds().block])
    account.publish("flows", "f0")

    def read() -> None:
        seen = [account.current()[0].version for _ in range(200)]
        assert seen == sorted(seen)

    def publish() -> None:
        for number in range(200):
            account.publish("flows", f"f{number}")

    run_together(clock, [read, read, read, publish])
