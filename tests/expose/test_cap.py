"""The bound on series: what goes first, what never goes, and that the document keeps it."""

import gzip
import logging
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.base import Block
from exporter.collect.model import AccountModel, Part
from exporter.expose import catalogue
from exporter.expose.blocks import OWN_COLLECTOR
from exporter.expose.cap import ORDER, RETURN_RATIO, SeriesCap
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.catalogue.own import OWN
from exporter.expose.document import Documents
from exporter.expose.families import Family, Metric
from exporter.expose.render import Format
from exporter.expose.selection import Extent
from exporter.expose.self_metrics import OwnMetrics, Sources
from exporter.expose.snapshot import AccountSnapshots
from tests.clocks import ManualClock
from tests.expose.kit import ACME, example_value

BY_NAME = {metric.name: metric for metric in CATALOGUE}
DROPPED = catalogue.EXPORTER_SERIES_DROPPED_TOTAL
STEP, LAST_RUNS, ENABLED = "celigo_step_open_errors", "celigo_flow_last_run_status", "celigo_flow_enabled"
ONLINE, TOTALS = "celigo_connection_online", "celigo_active_runs"


def level(name: str) -> int:
    labels = BY_NAME[name].labels
    return 0 if "step_id" in labels else 1 if "flow_id" in labels else 2


class TestOrder:
    def test_steps_go_before_flows_and_these_before_everything_else_with_an_id(self) -> None:
        levels = [level(name) for name in ORDER]
        assert levels == sorted(levels)
        assert set(levels) == {0, 1, 2}

    def test_the_largest_profile_goes_first_among_the_equally_detailed(self) -> None:
        tiers = {"full": 0, "standard": 1, "lean": 2}
        places = [(level(name), tiers[BY_NAME[name].tier]) for name in ORDER]
        assert places == sorted(places)

    def test_the_end_of_the_catalogue_goes_first_among_the_rest(self) -> None:
        names = [metric.name for metric in CATALOGUE]
        for one, two in pairwise(ORDER):
            if (level(one), BY_NAME[one].tier) == (level(two), BY_NAME[two].tier):
                assert names.index(one) > names.index(two)

    def test_totals_of_the_account_and_what_the_exporter_tells_of_itself_are_not_in_it(self) -> None:
        assert not {metric.name for metric in OWN} & set(ORDER)
        rest = {metric.name for metric in CATALOGUE if metric not in OWN} - set(ORDER)
        assert all(not label.endswith("_id") for name in rest for label in BY_NAME[name].labels)
        assert {"celigo_active_runs", "celigo_open_errors_by_code", "celigo_audit_events_total"} <= rest

    def test_names_of_flows_and_integrations_are_the_last_of_their_kind(self) -> None:
        flows = [name for name in ORDER if level(name) == 1]
        assert flows[-1] == "celigo_flow_info"
        assert ORDER[-1] == "celigo_integration_info"


class TestChoice:
    def test_what_fits_exactly_is_left_alone(self) -> None:
        assert SeriesCap(100).left_out({STEP: 40, ENABLED: 50}, 10) == frozenset()

    def test_one_too_many_costs_the_most_detailed_family(self) -> None:
        assert SeriesCap(100).left_out({STEP: 1, ENABLED: 90}, 10) == {STEP}

    def test_families_go_until_the_rest_fits(self) -> None:
        counts = {STEP: 10, LAST_RUNS: 300, ENABLED: 100, ONLINE: 20, TOTALS: 4}
        assert SeriesCap(150).left_out(counts, 10) == {STEP, LAST_RUNS}
        assert SeriesCap(100).left_out(counts, 10) == {STEP, LAST_RUNS, ENABLED}
        assert SeriesCap(20).left_out(counts, 10) == {STEP, LAST_RUNS, ENABLED, ONLINE}

    def test_what_may_not_go_stays_although_it_is_too_much(self) -> None:
        assert SeriesCap(10).left_out({TOTALS: 400, STEP: 1}, 50) == {STEP}

    def test_a_family_stays_out_while_it_would_barely_fit(self) -> None:
        cap = SeriesCap(1000)
        assert cap.left_out({STEP: 100, ENABLED: 901}, 0) == {STEP}
        barely = int(1000 * RETURN_RATIO) - 900
        assert cap.left_out({STEP: barely + 1, ENABLED: 900}, 0) == {STEP}
        assert cap.left_out({STEP: barely, ENABLED: 900}, 0) == frozenset()
        assert cap.left_out({STEP: barely + 1, ENABLED: 900}, 0) == frozenset()

    def test_families_come_back_one_by_one_the_last_to_go_first(self) -> None:
        cap = SeriesCap(1000)
        counts = {STEP: 300, LAST_RUNS: 300, ENABLED: 600}
        assert cap.left_out({**counts, ENABLED: 900}, 0) == {STEP, LAST_RUNS}
        assert cap.left_out(counts, 0) == {STEP}
        assert cap.left_out({STEP: 300, LAST_RUNS: 300, ENABLED: 100}, 0) == frozenset()

    @pytest.mark.parametrize("start", [0, 1], ids=["in-at-first", "out-at-first"])
    def test_counts_that_move_a_little_around_the_bound_change_nothing(self, start: int) -> None:
        cap = SeriesCap(1000)
        seen = [cap.left_out({STEP: 100, ENABLED: 900 + (start + move) % 2}, 0) for move in range(20)]
        assert len(set(seen[1:])) == 1

    @given(
        st.dictionaries(st.sampled_from([metric.name for metric in CATALOGUE]), st.integers(1, 5000)),
        st.integers(0, 3000),
        st.lists(st.integers(1000, 20_000), min_size=1, max_size=4),
    )
    def test_what_is_left_fits_whenever_what_may_not_go_does(
        self, counts: dict[str, int], others: int, bounds: list[int]
    ) -> None:
        fixed = sum(count for name, count in counts.items() if name not in ORDER) + others
        cap = SeriesCap(bounds[0])
        for factor in (1, 2, 3, 1):
            grown = {name: count * factor if name in ORDER else count for name, count in counts.items()}
            gone = cap.left_out(grown, others)
            assert gone <= set(ORDER) & set(grown)
            left = sum(count for name, count in grown.items() if name not in gone) + others
            assert left <= bounds[0] or (fixed > bounds[0] and left == fixed)

    @given(st.dictionaries(st.sampled_from(ORDER), st.integers(1, 500)), st.integers(1000, 3000))
    def test_nothing_more_detailed_than_what_went_is_left(self, counts: dict[str, int], bound: int) -> None:
        gone = SeriesCap(bound).left_out(counts, 0)
        last = max((ORDER.index(name) for name in gone), default=-1)
        assert gone == {name for name in counts if ORDER.index(name) <= last}
        without_last = gone - {ORDER[last]} if gone else gone
        assert not gone or sum(count for name, count in counts.items() if name not in without_last) > bound


class Exchanges:
    """A client that never sent anything."""

    version = 0

    def series(self, name: str) -> Mapping[tuple[str, ...], float]:
        del name
        return {}

    def clock_skew(self) -> float | None:
        return None


class Account:
    """Snapshots of two blocks whose families have as many series as a test says."""

    def __init__(self, most: int | None) -> None:
        self.clock = ManualClock()
        self.model = AccountModel((Part("one", 300.0), Part("two", 300.0)))
        blocks = [Block(part, "jobs", (part,), self._build(part)) for part in ("one", "two")]
        own = OwnMetrics(Sources(Exchanges(), {"jobs": 60.0}, dict, lambda: 5.0))
        self.snapshots = AccountSnapshots(ACME, self.model, blocks, self.clock, own, Extent(series=most))
        self.documents = Documents([self.snapshots], self.clock)

    def _build(self, part: str) -> Any:
        def build(views: Mapping[str, Any]) -> Iterator[Family]:
            for name, count in views[part].items():
                yield Family(BY_NAME[name], keys_of(BY_NAME[name], count))

        return build

    def publish(self, part: str, **counts: int) -> None:
        self.model.publish(part, {f"celigo_{name}": count for name, count in counts.items()}, self.clock.monotonic())

    def content(self, fmt: Format = Format.TEXT, *, compressed: bool = False) -> bytes:
        return self.documents.content(None, fmt, compressed=compressed).content

    def counts(self) -> dict[str, int]:
        """Series of the document by family."""
        held: dict[str, int] = {}
        for line in self.content().decode().splitlines():
            if not line.startswith("#"):
                name = line.partition("{")[0]
                held[name] = held.get(name, 0) + 1
        return held

    def own(self, metric: Metric) -> dict[str, float]:
        """Values of a family of the exporter's own by their family label."""
        lines = [line for line in self.content().decode().splitlines() if line.startswith(metric.name + "{")]
        return {line.split('family="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}


def keys_of(metric: Metric, count: int) -> dict[tuple[str, ...], Any]:
    return {tuple(f"{label}-{number}" for label in metric.labels): example_value(metric) for number in range(count)}


class TestDocument:
    @pytest.mark.parametrize("fmt", list(Format), ids=lambda fmt: fmt.name.lower())
    def test_the_document_keeps_the_bound_in_every_form(self, fmt: Format) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.publish("two", step_open_errors=50, connection_online=30)
        plain = account.content(fmt)
        samples = [line for line in plain.splitlines() if not line.startswith(b"#")]
        assert len(samples) <= 1000
        assert gzip.decompress(account.content(fmt, compressed=True)) == plain
        assert b"celigo_flow_last_run_status" not in plain.replace(b'"celigo_flow_last_run_status"', b"")
        assert b"\nceligo_flow_enabled{" in plain

    def test_both_formats_hold_the_same_series(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        documents = [account.content(fmt).splitlines() for fmt in Format]
        text, openmetrics = ({line for line in held if not line.startswith(b"#")} for held in documents)
        assert text == openmetrics

    @pytest.mark.parametrize("enabled", range(955, 1001, 3))
    def test_the_exporters_own_series_count_too(self, enabled: int) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=enabled, active_runs=1)
        held = account.counts()
        assert sum(held.values()) <= 1000
        assert (ENABLED in held) == (sum(counts_without_bound(enabled).values()) <= 1000)

    def test_without_a_bound_nothing_is_left_out(self) -> None:
        account = Account(None)
        account.publish("one", flow_enabled=3000)
        assert account.counts()[ENABLED] == 3000
        assert account.own(DROPPED) == {}

    def test_the_series_family_tells_what_is_in_the_document(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        assert account.own(catalogue.EXPORTER_SERIES) == account.counts()

    def test_what_is_account_wide_stays_however_much_it_is(self) -> None:
        account = Account(1000)
        account.publish("one", active_runs=1500, flow_enabled=5)
        held = account.counts()
        assert held[TOTALS] == 1500
        assert ENABLED not in held

    def test_the_own_block_comes_last_and_a_block_of_which_nothing_is_left_is_empty(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=1500)
        one, own = account.snapshots.current(account.clock.monotonic())
        assert dict(one.series) == {}
        assert own.collector == OWN_COLLECTOR


def counts_without_bound(enabled: int) -> dict[str, int]:
    account = Account(None)
    account.publish("one", flow_enabled=enabled, active_runs=1)
    return account.counts()


class TestCounting:
    def test_each_series_left_out_is_counted_once_while_its_block_stays_the_same(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        for _ in range(3):
            assert account.own(DROPPED) == {LAST_RUNS: 400}
            account.clock.advance(30)

    def test_it_is_counted_again_when_its_block_was_built_anew(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.content()
        account.publish("one", flow_enabled=700, flow_last_run_status=410)
        assert account.own(DROPPED) == {LAST_RUNS: 810}

    def test_a_new_version_of_another_block_counts_nothing(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.content()
        account.publish("two", connection_online=1)
        assert account.own(DROPPED) == {LAST_RUNS: 400}

    def test_a_family_that_goes_later_adds_only_itself(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.content()
        account.publish("two", connection_online=400)
        assert account.own(DROPPED) == {LAST_RUNS: 400, ENABLED: 700}

    def test_the_count_stays_when_everything_fits_again(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.content()
        account.publish("one", flow_enabled=70, flow_last_run_status=40)
        assert account.own(DROPPED) == {LAST_RUNS: 400}
        assert account.counts()[LAST_RUNS] == 40

    def test_nothing_is_made_anew_while_nothing_changes(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        first = account.snapshots.current(account.clock.monotonic())
        again = account.snapshots.current(account.clock.monotonic())
        assert [one is two for one, two in zip(first, again, strict=True)] == [True, True]
        assert account.content(compressed=True) is account.content(compressed=True)

    def test_the_versions_of_blocks_differ(self) -> None:
        account = Account(1000)
        account.publish("one", flow_enabled=700, flow_last_run_status=400)
        account.publish("two", step_open_errors=5)
        versions = [block.version for block in account.snapshots.current(account.clock.monotonic())]
        assert len(set(versions)) == len(versions) == 3

    def test_a_line_is_logged_when_the_families_left_out_change_and_at_no_other_time(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        account = Account(1000)
        counts = []
        for enabled, last_runs in ((1, 1), (700, 400), (701, 400), (1100, 400), (10, 10), (11, 10)):
            account.publish("one", flow_enabled=enabled, flow_last_run_status=last_runs)
            account.content()
            counts.append(len(caplog.records))
        assert counts == [0, 1, 1, 2, 3, 3]
        assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING, logging.INFO]
