"""What the exporter tells about itself, and that it is known exactly."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ERROR_TYPES
from exporter.api.listing import REJECT_REASONS
from exporter.api.telemetry import Telemetry
from exporter.collect.base import Block
from exporter.collect.model import AccountModel, Part
from exporter.expose import catalogue
from exporter.expose.blocks import RenderedBlock
from exporter.expose.catalogue import own
from exporter.expose.document import Documents
from exporter.expose.families import Distribution, Family, Metric, Series
from exporter.expose.render import Format
from exporter.expose.self_metrics import FAILURE_REASONS, OwnMetrics, Sources
from exporter.expose.snapshot import AccountSnapshots
from tests.clocks import EPOCH, ManualClock
from tests.expose.kit import ACME, example


@dataclass(frozen=True)
class Status:
    """A collector's status as a test wants it."""

    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None
    requests: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    truncated: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    disabled: str | None = None


class Facts:
    """Everything the own families are made of, changeable by a test."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.telemetry = Telemetry(self.clock)
        self.statuses: dict[str, Status] = {"jobs": Status()}
        self.tokens = 10.0
        self.watermarks: dict[str, float] = {}
        self.catch_up: float | None = None
        self.backfill: float | None = None
        self.objects: dict[str, float] = {}
        self.dropped: dict[tuple[str, str], int] = {}
        self.available: dict[str, bool] = {}
        self.sources = Sources(
            self.telemetry,
            {"jobs": 60.0, "errors": 300.0},
            lambda: self.statuses,
            lambda: self.tokens,
            lambda: self.watermarks,
            lambda: self.catch_up,
            lambda: self.backfill,
            lambda: self.objects,
            lambda: self.dropped,
            lambda: self.available,
            **options,
        )
        self.own = OwnMetrics(self.sources)

    def series(self, metric: Metric, *blocks: RenderedBlock, failures: Mapping[str, int] | None = None) -> Series:
        state = self.own.state(blocks, failures or {}, {})
        (found,) = [family for family in self.own.families(state) if family.metric is metric]
        return found.series


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_every_own_family_is_made_by_somebody(facts: Facts) -> None:
    made = {family.metric for family in facts.own.families(facts.own.state((), {}, {}))}
    published_by_collectors = {own.UP, own.HEALTH_CHECK_SUCCESS}
    of_the_process = {metric for metric in own.OWN if not metric.scoped}
    of_replicas = {own.EXPORTER_REPLICA_LEADING}
    assert made | published_by_collectors | of_the_process | of_replicas == set(own.OWN)
    assert not made & published_by_collectors


def test_the_clients_counts_are_told_as_they_are(facts: Facts) -> None:
    facts.telemetry.exchange(Endpoint.FLOWS, "200", 0.3, 120)
    facts.telemetry.exchange(Endpoint.FLOWS, "none", 31.0, 0)
    facts.telemetry.error(Endpoint.FLOWS, "timeout")
    facts.telemetry.cache(Endpoint.FLOWS, "hit")
    facts.telemetry.waited("retry_after", 2.5)
    assert facts.series(own.API_REQUESTS_TOTAL)[("/v1/flows", "GET", "none")] == 1.0
    durations = facts.series(own.API_REQUEST_DURATION_SECONDS)[("/v1/flows", "GET")]
    assert durations == Distribution((0, 0, 0, 1, 1, 1, 1, 1, 1), 0.3 + 31.0, 2)
    assert facts.series(own.API_ERRORS_TOTAL)[("/v1/flows", "timeout")] == 1.0
    assert facts.series(own.API_RESPONSE_BYTES_TOTAL)[("/v1/flows",)] == 120.0
    assert facts.series(own.API_CACHE_REQUESTS_TOTAL)[("/v1/flows", "hit")] == 1.0
    assert facts.series(own.API_RATE_LIMIT_WAIT_SECONDS_TOTAL)[("retry_after",)] == 2.5


@pytest.mark.parametrize(("left", "told"), [(10.0, 10.0), (9.99, 9.0), (0.4, 0.0), (0.0, 0.0), (-3.0, 0.0)], ids=str)
def test_the_budget_is_told_in_whole_requests(facts: Facts, left: float, told: float) -> None:
    facts.tokens = left
    assert facts.series(own.API_RATE_LIMIT_TOKENS) == {(): told}


@pytest.mark.parametrize("expires", [None, EPOCH + 86400.0], ids=["not-set", "set"])
def test_the_tokens_expiry_is_told_when_it_is_configured(expires: float | None) -> None:
    told = Facts(token_expires=expires).series(own.API_TOKEN_EXPIRY_TIMESTAMP_SECONDS)
    assert told == ({} if expires is None else {(): expires})


@pytest.mark.parametrize(("skew", "told"), [(None, {}), (0.9, {}), (-7.0, {(): -7.0})], ids=str)
def test_the_clock_skew_is_told_only_when_it_is_sure(facts: Facts, skew: float | None, told: Series) -> None:
    facts.telemetry.skew(skew)
    assert facts.series(own.API_CLOCK_SKEW_SECONDS) == told


def test_before_its_first_run_a_collector_has_an_interval_and_zero_counts_and_nothing_else(facts: Facts) -> None:
    assert facts.series(own.EXPORTER_COLLECTOR_INTERVAL_SECONDS) == {("jobs",): 60.0, ("errors",): 300.0}
    assert facts.series(own.EXPORTER_TRUNCATED_LISTS_TOTAL) == {("jobs",): 0.0}
    assert set(facts.series(own.EXPORTER_COLLECTOR_ERRORS_TOTAL).values()) == {0.0}
    for metric in (
        own.EXPORTER_COLLECTOR_SUCCESS,
        own.EXPORTER_COLLECTOR_LAST_SUCCESS_TIMESTAMP_SECONDS,
        own.EXPORTER_COLLECTOR_DURATION_SECONDS,
        own.EXPORTER_COLLECTOR_REQUESTS,
        own.EXPORTER_COLLECTOR_DISABLED,
    ):
        assert facts.series(metric) == {}


def test_the_newest_run_of_a_collector_is_told(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(success=False, last_success=EPOCH, duration=1.5, requests=7, truncated=2)
    assert facts.series(own.EXPORTER_COLLECTOR_SUCCESS) == {("jobs",): 0.0}
    assert facts.series(own.EXPORTER_COLLECTOR_LAST_SUCCESS_TIMESTAMP_SECONDS) == {("jobs",): EPOCH}
    assert facts.series(own.EXPORTER_COLLECTOR_DURATION_SECONDS) == {("jobs",): 1.5}
    assert facts.series(own.EXPORTER_COLLECTOR_REQUESTS) == {("jobs",): 7.0}
    assert facts.series(own.EXPORTER_TRUNCATED_LISTS_TOTAL) == {("jobs",): 2.0}


def test_failed_runs_are_counted_by_reason_and_every_reason_starts_at_zero(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(errors={"timeout": 3, "internal": 1})
    told = facts.series(own.EXPORTER_COLLECTOR_ERRORS_TOTAL, failures={"jobs": 2})
    assert {reason for _, reason in told} == set(FAILURE_REASONS) >= {*ERROR_TYPES, "internal", "render"}
    assert {key[1]: value for key, value in told.items() if value} == {"timeout": 3.0, "internal": 1.0, "render": 2.0}


def test_a_reason_outside_the_enumeration_is_not_lost(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(errors={"brand_new": 1}, rejected={"brand_new": 4})
    assert facts.series(own.EXPORTER_COLLECTOR_ERRORS_TOTAL)[("jobs", "brand_new")] == 1.0
    assert facts.series(own.EXPORTER_ROWS_REJECTED_TOTAL)[("jobs", "brand_new")] == 4.0


def test_rejected_rows_are_counted_by_reason(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(rejected={"missing_id": 2})
    told = facts.series(own.EXPORTER_ROWS_REJECTED_TOTAL)
    assert told == {("jobs", reason): float(2 * (reason == "missing_id")) for reason in REJECT_REASONS}


def test_a_collector_that_was_switched_off_says_why(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(disabled="forbidden")
    assert facts.series(own.EXPORTER_COLLECTOR_DISABLED) == {("jobs", "forbidden"): 1.0}


def test_an_optional_endpoint_is_told_once_it_was_tried(facts: Facts) -> None:
    assert facts.series(own.EXPORTER_ENDPOINT_AVAILABLE) == {}
    facts.available = {"/v1/audit": False, "/v1/agents": True}
    assert facts.series(own.EXPORTER_ENDPOINT_AVAILABLE) == {("/v1/audit",): 0.0, ("/v1/agents",): 1.0}


def test_what_is_held_in_memory_is_told(facts: Facts) -> None:
    facts.watermarks["jobs"] = EPOCH
    facts.objects.update(flow=12, active_run=0)
    facts.dropped["celigo_open_errors_by_code", "label_bound"] = 5
    assert facts.series(own.EXPORTER_WATERMARK_TIMESTAMP_SECONDS) == {("jobs",): EPOCH}
    assert facts.series(own.EXPORTER_OBJECTS) == {("flow",): 12.0, ("active_run",): 0.0}
    assert facts.series(own.EXPORTER_SERIES_DROPPED_TOTAL) == {("celigo_open_errors_by_code", "label_bound"): 5.0}


def snapshots(facts: Facts) -> tuple[AccountModel, AccountSnapshots]:
    model = AccountModel((Part("flows", 300.0),))
    block = Block("flows", "inventory", ("flows",), lambda views: [example(catalogue.FLOW_ENABLED, views["flows"])])
    return model, AccountSnapshots(ACME, model, [block], facts.clock, facts.own)


def text_of(held: AccountSnapshots, facts: Facts) -> str:
    return Documents([held], facts.clock).content(None, Format.TEXT, compressed=False).content.decode()


def test_the_series_of_every_family_are_counted_this_count_included(facts: Facts) -> None:
    facts.telemetry.exchange(Endpoint.FLOWS, "200", 0.3, 120)
    facts.telemetry.exchange(Endpoint.JOBS_CURRENT, "200", 0.3, 120)
    facts.statuses["jobs"] = Status(success=True)
    model, held = snapshots(facts)
    model.publish("flows", ["f1", "f2", "f3"], facts.clock.monotonic())
    counted = dict.fromkeys((metric.name for metric in catalogue.CATALOGUE), 0)
    told = {}
    for line in text_of(held, facts).splitlines():
        if line.startswith("# TYPE"):
            family = line.split()[2]
        elif not line.startswith("#"):
            counted[family] += 1
            if family == "celigo_exporter_series":
                told[line.split('family="')[1].split('"')[0]] = int(float(line.split()[-1]))
    assert told == {family: count for family, count in counted.items() if count}


def test_the_snapshot_is_as_old_as_its_newest_part(facts: Facts) -> None:
    model, held = snapshots(facts)
    assert "celigo_exporter_snapshot_timestamp_seconds{" not in text_of(held, facts)
    model.publish("flows", ["f1"], facts.clock.monotonic())
    assert f'environment="production"}} {EPOCH / 1e9}e+09' in text_of(held, facts)
    facts.clock.advance(100.0)
    facts.statuses["jobs"] = Status(success=True)
    line = next(
        line for line in text_of(held, facts).splitlines() if line.startswith("celigo_exporter_snapshot_timestamp")
    )
    assert float(line.split()[-1]) == EPOCH


CHANGES = {
    "a request": lambda facts: facts.telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1),
    "a run": lambda facts: facts.statuses.update(jobs=Status(success=True)),
    "a token": lambda facts: setattr(facts, "tokens", 9.0),
    "a watermark": lambda facts: facts.watermarks.update(jobs=EPOCH),
    "an object": lambda facts: facts.objects.update(flow=1),
    "an optional endpoint": lambda facts: facts.available.update({"/v1/audit": False}),
    "a dropped series": lambda facts: facts.dropped.update({("x", "y"): 1}),
    "clock skew": lambda facts: facts.telemetry.skew(5.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_rebuilds_the_own_block_once(facts: Facts, change: Any) -> None:
    _, held = snapshots(facts)
    (before,) = held.current(1.0)
    change(facts)
    (after,) = held.current(1.0)
    assert after.version != before.version
    assert held.current(1.0)[0] is after


def test_time_alone_changes_nothing(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(success=True, last_success=EPOCH, duration=1.5, requests=7)
    facts.tokens = 9.2
    _, held = snapshots(facts)
    (before,) = held.current(1.0)
    facts.clock.advance(3600.0)
    facts.statuses["jobs"] = replace(facts.statuses["jobs"])
    facts.tokens = 9.7
    assert held.current(3601.0)[0] is before


def test_families_of_a_foreign_state_are_refused(facts: Facts) -> None:
    with pytest.raises(TypeError):
        facts.own.families(object())


def test_the_clients_label_values_fit_the_catalogue(facts: Facts) -> None:
    for endpoint in Endpoint:
        facts.telemetry.exchange(endpoint, "200", 0.1, 1)
        facts.telemetry.retry(endpoint, "timeout")
        facts.telemetry.cache(endpoint, "miss")
    for metric in own.OWN:
        if metric.source in {own.CLIENT, "the client's cache", "the client's budget"} and metric.type != "gauge":
            told = facts.telemetry.series(metric.name)
            assert told
            assert {len(key) for key in told} == {len(metric.labels)}
            place = metric.labels.index("endpoint") if "endpoint" in metric.labels else None
            assert place is None or {key[place] for key in told} == {endpoint.value for endpoint in Endpoint}


def test_no_number_told_is_not_a_number(facts: Facts) -> None:
    facts.statuses["jobs"] = Status(success=True, last_success=EPOCH, duration=0.0, requests=0)
    for family in facts.own.families(facts.own.state((), {}, {})):
        assert isinstance(family, Family)
        assert all(math.isfinite(value) for value in family.series.values() if isinstance(value, float))
