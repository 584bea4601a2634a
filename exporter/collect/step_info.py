"""Names and kinds of steps (metric catalogue, section 5).

celigo_step_info{adaptor_type="NetSuiteImport",connection_id="62f0",step_id="64c3",step_name="Orders",...} 1

The facts are those that the inventory collector reads.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.collect.base import Block
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.step_listings import StepsView
from exporter.collect.steps import StepFacts
from exporter.expose import catalogue
from exporter.expose.families import Family


def step_info_block(*, all_steps: bool) -> Block:
    """The block of `celigo_step_info`: for all steps, or for those with open errors alone."""
    if all_steps:
        return Block("step_info", "inventory", ("steps",), _of_all, "standard")
    return Block("step_info", "errors", ("open_errors", "steps"), _of_open_errors, "standard")


def _of_all(views: Mapping[str, Any]) -> Iterator[Family]:
    steps: StepsView = views["steps"]
    yield _info(steps.facts)


def _of_open_errors(views: Mapping[str, Any]) -> Iterator[Family]:
    errors: OpenErrorsView = views["open_errors"]
    steps: StepsView | None = views["steps"]
    facts = steps.facts if steps is not None else {}
    shown = dict.fromkeys(step_id for _, step_id in errors.steps if step_id in facts)
    yield _info({step_id: facts[step_id] for step_id in shown})


def _info(facts: Mapping[str, StepFacts]) -> Family:
    keys = ((step_id, row.name, row.type, row.adaptor_type, row.connection_id) for step_id, row in facts.items())
    return Family(catalogue.STEP_INFO, dict.fromkeys(keys, 1.0))
