"""A share of the records of a flow's runs fails: which share, where, with which errors."""

import math
from typing import Any

import pytest

from tests.simulator.unit.bench import Life
from tests.simulator.unit.test_outcome_incidents import HOURS, completed


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.mark.parametrize("share", [0.001, 0.25, 0.5, 1.0], ids=str)
def test_that_share_of_each_completed_runs_records_fails_at_a_processing_step(share: float, life: Life) -> None:
    flow = life.flow()
    life.inject("flow_erroring", flow, share=share)
    life.pass_seconds(2 * HOURS)
    ended = [run for run in completed(life, flow) if run.plan.records]
    assert [run.num_error for run in ended] == [max(1, math.ceil(run.plan.records * share)) for run in ended]
    assert {where for run in ended for where, _ in run.plan.errors} == {flow.processing_steps[0].id}
    raised = life.engine.errors.steps(flow.id)[flow.processing_steps[0].id]
    assert len(raised.open) + len(raised.resolved) == sum(run.num_error for run in ended)


def test_a_share_is_what_it_is_on_paper_whatever_binary_fractions_make_of_it(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_records", flow, records=100)
    life.inject("flow_erroring", flow, share=0.07)
    life.pass_seconds(HOURS)
    assert {run.num_error for run in completed(life, flow)} == {7}


def test_no_step_of_a_branch_fails_on_more_records_than_it_sees(life: Life) -> None:
    flow = next(row for row in life.engine.account.flows if row.branches and row.trigger == "scheduled")
    life.inject("flow_enabled", flow)
    life.inject("flow_records", flow, records=100)
    life.inject("flow_erroring", flow, share=1)
    life.pass_seconds(26 * HOURS)
    errors = completed(life, flow)[0].plan.errors
    assert sum(count for _, count in errors) == 100
    assert {count for _, count in errors} == {100 // len(flow.branches)}


def test_nothing_fails_of_an_empty_run_and_nothing_at_a_share_of_zero() -> None:
    life = Life(error_rate=1.0)
    first = life.flow()
    second = next(row for row in life.engine.account.flows if row.trigger == "listener" and row.enabled)
    life.inject("flow_empty", first)
    life.inject("flow_erroring", first, share=1)
    life.inject("flow_erroring", second, share=0)
    life.pass_seconds(2 * HOURS)
    assert completed(life, first)
    assert completed(life, second)
    assert {run.num_error for run in completed(life, first) + completed(life, second)} == {0}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"classification": "duplicate", "source": "lookup", "code": "E-7"},
            {("duplicate", "lookup", "E-7")},
        ),
        ({"classification": "duplicate"}, {("duplicate", "application", "FIELD_VALIDATION_ERROR")}),
    ],
    ids=["all", "class-alone"],
)
def test_the_errors_may_be_of_one_kind(options: dict[str, str], expected: set[Any], life: Life) -> None:
    flow = life.flow()
    life.inject("flow_erroring", flow, share=0.5, **options)
    life.pass_seconds(HOURS)
    held = life.engine.errors.steps(flow.id)[flow.processing_steps[0].id]
    kinds = {record.kind for record in (*held.open.values(), *held.resolved)}
    assert {(kind.classification, kind.source, kind.code) for kind in kinds} == expected


def test_errors_of_a_kind_are_resolved_like_any_others(life: Life) -> None:
    flow = life.flow()
    number = life.inject("flow_erroring", flow, share=0.5, code="E-7")
    life.pass_seconds(HOURS)
    life.desk.lift(number)
    life.pass_seconds(48 * HOURS)
    assert life.engine.errors.steps(flow.id)[flow.processing_steps[0].id].resolved
