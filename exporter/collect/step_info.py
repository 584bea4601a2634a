"""Names and kinds of steps (metric catalogue, section 5).

celigo_step_info{adaptor_type="NetSuiteImport",connection_id="62f0",step_id="64c3",step_name="Orders",...} 1

The facts are those that the inventory collector reads.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from exporter.collect.base import Block, Each, no_families
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.step_listings import StepsView
from exporter.collect.steps import StepFacts
from exporter.expose import catalogue
from exporter.expose.families import Family

StepRow = tuple[StepFacts]


def step_info_block(*, all_steps: bool) -> Block:
    """The block of `celigo_step_info`: for all steps, or for those with open errors alone."""
    if all_steps:
        return Block("step_info", "inventory", ("steps",), no_families, "standard", _each(_of_all))
    return Block("step_info", "errors", ("open_errors", "steps"), no_families, "standard", _each(_of_open_errors))


def _each(rows: Callable[[Mapping[str, Any]], Mapping[str, StepRow]]) -> Each:
    return Each("step_id", rows, _info)


def _of_all(views: Mapping[str, Any]) -> Mapping[str, StepRow]:
    steps: StepsView = views["steps"]
    return {step_id: (facts,) for step_id, facts in steps.facts.items()}


def _of_open_errors(views: Mapping[str, Any]) -> Mapping[str, StepRow]:
    errors: OpenErrorsView = views["open_errors"]
    steps: StepsView | None = views["steps"]
    facts = steps.facts if steps is not None else {}
    return {step_id: (facts[step_id],) for _, step_id in errors.steps if step_id in facts}


def _info(rows: Mapping[str, StepRow]) -> Iterator[Family]:
    keys = ((name, row.name, row.type, row.adaptor_type, row.connection_id) for name, (row,) in rows.items())
    yield Family(catalogue.STEP_INFO, dict.fromkeys(keys, 1.0))
