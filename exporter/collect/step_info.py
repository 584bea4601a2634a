"""Names and kinds of steps (metric catalogue, section 5).

celigo_step_info{adaptor_type="NetSuiteImport",connection_id="62f0",step_id="64c3",step_name="Orders",...} 1
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
    """The block of `celigo_step_info`: for all steps, or for those with open errors alone.

    All steps are those of the inventory collector and, where one of its lists is not known, what the errors collector
    knows; a step that both know has one series, with the inventory's facts.
    """
    if all_steps:
        return Block("step_info", "inventory", ("steps", "open_errors"), _of_all, "standard")
    return Block("step_info", "errors", ("open_errors",), _of_open_errors, "standard")


def _of_all(views: Mapping[str, Any]) -> Iterator[Family]:
    steps: StepsView = views["steps"]
    yield _info({**_with_open_errors(views["open_errors"]), **steps.facts})


def _of_open_errors(views: Mapping[str, Any]) -> Iterator[Family]:
    yield _info(_with_open_errors(views["open_errors"]))


def _with_open_errors(view: OpenErrorsView | None) -> Mapping[str, StepFacts]:
    if view is None:
        return {}
    shown = {step_id for _, step_id in view.steps}
    return {step_id: facts for step_id, facts in view.step_facts.items() if step_id in shown}


def _info(facts: Mapping[str, StepFacts]) -> Family:
    keys = ((step_id, row.name, row.type, row.adaptor_type, row.connection_id) for step_id, row in facts.items())
    return Family(catalogue.STEP_INFO, dict.fromkeys(keys, 1.0))
