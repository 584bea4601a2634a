"""What is exported of runs, line by line."""

import pytest

from exporter.api.errors import RateLimited
from exporter.collect.active import ActiveRunsView
from exporter.collect.jobs_families import ACTIVE_RUNS_BLOCK, RUNS_BLOCK
from exporter.expose import catalogue
from exporter.expose.families import Family, Metric
from exporter.ledger.tally import DURATION_BUCKETS, QUEUE_WAIT_BUCKETS
from tests.clocks import EPOCH
from tests.collect.blocks import built
from tests.collect.exposition import lines
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import job


@pytest.fixture
def kit() -> JobsKit:
    kit = JobsKit()
    kit.client.flow_homes = {"f1": "i1"}
    kit.client.integration_ids = ["i1"]
    return kit


def runs(kit: JobsKit) -> list[Family]:
    return list(built(RUNS_BLOCK, {"finished_runs": kit.runs}))


def active(kit: JobsKit) -> list[Family]:
    return list(built(ACTIVE_RUNS_BLOCK, {"active_runs": kit.active}))


def test_an_account_without_runs_has_counters_at_zero_and_nothing_about_newest_runs(kit: JobsKit) -> None:
    kit.collect()
    shown = [line for line in lines(runs(kit)) if "_bucket" not in line]
    assert sorted(shown) == sorted(
        [
            'flow_runs_total{flow_id="f1",status="completed"} 0',
            'flow_runs_total{flow_id="f1",status="failed"} 0',
            'flow_runs_total{flow_id="f1",status="canceled"} 0',
            'flow_records_total{flow_id="f1",outcome="success"} 0',
            'flow_records_total{flow_id="f1",outcome="error"} 0',
            'flow_records_total{flow_id="f1",outcome="ignored"} 0',
            'flow_retries_total{flow_id="f1",status="completed"} 0',
            'flow_retries_total{flow_id="f1",status="failed"} 0',
            'flow_retries_total{flow_id="f1",status="canceled"} 0',
            'integration_runs_total{integration_id="i1",status="completed"} 0',
            'integration_runs_total{integration_id="i1",status="failed"} 0',
            'integration_runs_total{integration_id="i1",status="canceled"} 0',
            'integration_records_total{integration_id="i1",outcome="success"} 0',
            'integration_records_total{integration_id="i1",outcome="error"} 0',
            'integration_records_total{integration_id="i1",outcome="ignored"} 0',
            'integration_run_duration_seconds_sum{integration_id="i1"} 0',
            'integration_run_duration_seconds_count{integration_id="i1"} 0',
            'run_queue_wait_seconds_sum{integration_id="i1"} 0',
            'run_queue_wait_seconds_count{integration_id="i1"} 0',
            'runs_unknown_total{type="flow"} 0',
            'runs_unknown_total{type="retry"} 0',
        ]
    )


def test_finished_runs_line_by_line(kit: JobsKit) -> None:
    home = {"flow_id": "f1", "integration_id": "i1"}
    kit.collect()
    kit.client.jobs["a"] = job("a", "completed", 1, 3, 45, records=(5, 1, 0), **home)  # type: ignore[arg-type]  # two ids
    kit.client.jobs["b"] = job("b", "failed", 50, 51, 351, records=(0, 2, 3), **home)  # type: ignore[arg-type]  # two ids
    kit.client.jobs["r"] = job("r", "completed", 50, 51, 60, kind="retry", **home)  # type: ignore[arg-type]  # two ids
    kit.next(400)
    assert sorted(lines(runs(kit))) == sorted(
        [
            'flow_runs_total{flow_id="f1",status="completed"} 1',
            'flow_runs_total{flow_id="f1",status="failed"} 1',
            'flow_runs_total{flow_id="f1",status="canceled"} 0',
            'flow_records_total{flow_id="f1",outcome="success"} 5',
            'flow_records_total{flow_id="f1",outcome="error"} 3',
            'flow_records_total{flow_id="f1",outcome="ignored"} 3',
            'flow_retries_total{flow_id="f1",status="completed"} 1',
            'flow_retries_total{flow_id="f1",status="failed"} 0',
            'flow_retries_total{flow_id="f1",status="canceled"} 0',
            'integration_runs_total{integration_id="i1",status="completed"} 1',
            'integration_runs_total{integration_id="i1",status="failed"} 1',
            'integration_runs_total{integration_id="i1",status="canceled"} 0',
            'integration_records_total{integration_id="i1",outcome="success"} 5',
            'integration_records_total{integration_id="i1",outcome="error"} 3',
            'integration_records_total{integration_id="i1",outcome="ignored"} 3',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="1"} 0',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="5"} 0',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="15"} 0',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="30"} 0',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="60"} 1',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="300"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="900"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="1800"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="3600"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="14400"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="43200"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="86400"} 2',
            'integration_run_duration_seconds_bucket{integration_id="i1",le="inf"} 2',
            'integration_run_duration_seconds_sum{integration_id="i1"} 342',
            'integration_run_duration_seconds_count{integration_id="i1"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="1"} 1',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="5"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="15"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="60"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="300"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="900"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="3600"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="14400"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="86400"} 2',
            'run_queue_wait_seconds_bucket{integration_id="i1",le="inf"} 2',
            'run_queue_wait_seconds_sum{integration_id="i1"} 3',
            'run_queue_wait_seconds_count{integration_id="i1"} 2',
            'runs_unknown_total{type="flow"} 0',
            'runs_unknown_total{type="retry"} 0',
            'flow_last_run_duration_seconds{flow_id="f1"} 300',
            'flow_last_run_status{flow_id="f1",status="completed"} 0',
            'flow_last_run_status{flow_id="f1",status="failed"} 1',
            'flow_last_run_status{flow_id="f1",status="canceled"} 0',
            'flow_last_run_records{flow_id="f1",outcome="success"} 0',
            'flow_last_run_records{flow_id="f1",outcome="error"} 2',
            'flow_last_run_records{flow_id="f1",outcome="ignored"} 3',
            'flow_consecutive_failed_runs{flow_id="f1"} 1',
            'flow_consecutive_empty_runs{flow_id="f1"} 0',
            'flow_baseline_max_empty_runs{flow_id="f1"} 0',
        ]
    )


BASELINES = (
    "flow_baseline_run_duration_seconds",
    "flow_baseline_max_empty_runs",
    "flow_last_success_timestamp_seconds",
)


def test_what_is_told_of_the_history_of_a_flow_line_by_line(kit: JobsKit) -> None:
    kit.collect()
    for number, records in enumerate([(1, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 2), (0, 0, 0), (0, 1, 0)]):
        kit.client.jobs[str(number)] = job(
            str(number), "completed", 60 * number, 60 * number, 61 * number + 5, flow_id="f1", records=records
        )
    kit.next(400)
    assert sorted(lines(runs(kit), *BASELINES)) == sorted(
        [
            'flow_baseline_run_duration_seconds{flow_id="f1"} 10',
            'flow_baseline_max_empty_runs{flow_id="f1"} 2',
            f'flow_last_success_timestamp_seconds{{flow_id="f1"}} {EPOCH + 61 * 4 + 5:.15g}',
        ]
    )


def test_below_five_runs_and_without_a_success_nothing_is_told_of_them(kit: JobsKit) -> None:
    kit.collect()
    for number in range(4):
        kit.client.jobs[str(number)] = job(
            str(number), "failed", 60 * number, 60 * number, 61 * number + 5, flow_id="f1", records=(0, 0, 0)
        )
    kit.next(400)
    assert sorted(lines(runs(kit), *BASELINES)) == sorted(['flow_baseline_max_empty_runs{flow_id="f1"} 0'])


def test_a_flow_without_any_known_run_has_no_history(kit: JobsKit) -> None:
    kit.collect()
    assert sorted(lines(runs(kit), *BASELINES)) == sorted([])


def test_the_history_of_a_flow_goes_with_the_flow(kit: JobsKit) -> None:
    kit.client.flow_homes["f2"] = "i1"
    for name in ("f1", "f2"):
        kit.client.jobs[name] = job(name, "completed", -90, -80, -70, flow_id=name, integration_id="i1")
    kit.collect()
    assert len(lines(runs(kit), "flow_last_success_timestamp_seconds")) == 2
    del kit.client.flow_homes["f2"]
    for _ in range(40):
        kit.next(3600)
    assert sorted(lines(runs(kit), *BASELINES)) == sorted(
        [
            'flow_baseline_max_empty_runs{flow_id="f1"} 0',
            f'flow_last_success_timestamp_seconds{{flow_id="f1"}} {EPOCH - 70:.15g}',
        ]
    )
    assert kit.store.state.histories.keys() == {"f1"}


def test_unknown_retries_are_absent(kit: JobsKit) -> None:
    throttled = RateLimited("/v1/jobs", status=429)
    kit.client.faults["job_pages"] = lambda kind, *_: throttled if kind == "retry" else None
    kit.collect()
    families = {family.metric.name for family in runs(kit)}
    assert "celigo_flow_retries_total" not in families
    assert "celigo_flow_runs_total" in families


def test_a_run_canceled_in_the_queue_has_no_duration(kit: JobsKit) -> None:
    kit.collect()
    kit.client.jobs["a"] = job("a", "canceled", 1, None, 45, flow_id="f1", integration_id="i1")
    kit.next()
    shown = lines(runs(kit), "flow_last_run_duration_seconds", "flow_last_run_status")
    assert shown == [
        'flow_last_run_status{flow_id="f1",status="completed"} 0',
        'flow_last_run_status{flow_id="f1",status="failed"} 0',
        'flow_last_run_status{flow_id="f1",status="canceled"} 1',
    ]


def test_no_run_in_progress_is_a_known_zero(kit: JobsKit) -> None:
    kit.collect()
    assert lines(active(kit)) == [
        'active_runs{status="queued"} 0',
        'active_runs{status="running"} 0',
        'active_runs{status="retrying"} 0',
        'active_runs{status="canceling"} 0',
    ]


def test_runs_in_progress_line_by_line(kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", -90, -80, flow_id="f1", records=(0, 0, 0))
    kit.client.jobs["b"] = job("b", "running", -70, -60, flow_id="f1", records=(3, 0, 0))
    kit.client.jobs["c"] = job("c", "queued", -50, flow_id="f1")
    kit.client.jobs["d"] = job("d", "canceling", -40, -30, flow_id=None)
    kit.client.jobs["r"] = job("r", "running", -40, -30, flow_id="f1", kind="retry")
    kit.collect()
    assert lines(active(kit)) == [
        'active_runs{status="queued"} 1',
        'active_runs{status="running"} 2',
        'active_runs{status="retrying"} 0',
        'active_runs{status="canceling"} 1',
        'flow_active_runs{flow_id="f1",status="queued"} 1',
        'flow_active_runs{flow_id="f1",status="running"} 2',
        'flow_active_runs{flow_id="f1",status="retrying"} 0',
        'flow_active_runs{flow_id="f1",status="canceling"} 0',
        f'flow_oldest_active_run_start_timestamp_seconds{{flow_id="f1",status="running"}} {EPOCH - 80:.15g}',
        f'flow_oldest_active_run_start_timestamp_seconds{{flow_id="f1",status="queued"}} {EPOCH - 50:.15g}',
        f'flow_active_run_progress_timestamp_seconds{{flow_id="f1"}} {EPOCH - 80:.15g}',
    ]


def test_flows_with_only_queued_runs_have_no_progress(kit: JobsKit) -> None:
    kit.client.jobs["c"] = job("c", "queued", -50, flow_id="f1")
    kit.collect()
    assert lines(active(kit), "flow_active_run_progress_timestamp_seconds") == []


def test_histogram_bounds_are_those_of_the_catalogue() -> None:
    assert catalogue.INTEGRATION_RUN_DURATION_SECONDS.buckets == DURATION_BUCKETS
    assert catalogue.RUN_QUEUE_WAIT_SECONDS.buckets == QUEUE_WAIT_BUCKETS


def test_both_blocks_together_are_section_four_of_the_catalogue_each_family_once(kit: JobsKit) -> None:
    """But for the records of steps; the last success is told with the schedules, and read with the runs."""
    kit.begin("a", flow_id="f1")
    kit.collect()
    made: list[Metric] = [family.metric for family in (*runs(kit), *active(kit))]
    assert len({metric.name for metric in made}) == len(made)
    begin = catalogue.CATALOGUE.index(catalogue.FLOW_RUNS_TOTAL)
    end = catalogue.CATALOGUE.index(catalogue.FLOW_OPEN_ERRORS)
    told_elsewhere = {catalogue.STEP_RECORDS_TOTAL}
    read_here = {catalogue.FLOW_LAST_SUCCESS_TIMESTAMP_SECONDS}
    assert set(made) == set(catalogue.CATALOGUE[begin:end]) - told_elsewhere | read_here


@pytest.mark.parametrize("block", [RUNS_BLOCK, ACTIVE_RUNS_BLOCK], ids=["runs", "active"])
def test_the_blocks_belong_to_the_jobs_collector_and_need_one_view(block: object) -> None:
    assert isinstance(block, type(RUNS_BLOCK))
    assert (block.collector, len(block.inputs)) == ("jobs", 1)


def test_building_twice_gives_the_same(kit: JobsKit) -> None:
    kit.collect()
    assert runs(kit) == runs(kit)
    empty = {"active_runs": ActiveRunsView(())}
    assert list(built(ACTIVE_RUNS_BLOCK, empty)) == list(built(ACTIVE_RUNS_BLOCK, empty))
