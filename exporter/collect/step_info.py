"""Names and kinds of steps (metric catalogue, section 5).

celigo_step_info{adaptor_type="NetSuiteImport",connection_id="62f0",step_id="64c3",step_name="Orders",...} 1

The facts are those that the inventory collector reads.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.collect.base import Block, Each, Facts, no_families
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.step_listings import StepsView
from exporter.collect.steps import StepFacts
from exporter.expose import catalogue
from exporter.expose.families import Family

StepRow = tuple[StepFacts]


def step_info_block(*, all_steps: bool) -> Block:
    """The block of `celigo_step_info`: for all steps, or for those with open errors alone."""
    if all_steps:
        each = Each("step_id", _of_all, _row, _info)
        return Block("step_info", "inventory", ("steps",), no_families, "standard", (each,))
    each = Each("step_id", _of_open_errors, _row_with_errors, _info)
    return Block("step_info", "errors", ("open_errors", "steps"), no_families, "standard", (each,))


def _of_all(views: Mapping[str, Any]) -> Facts:
    steps: StepsView = views["steps"]
    return Facts(steps.listings)


def _row(known: tuple[StepFacts | None, StepFacts | None], _: None) -> StepRow | None:
    exported, imported = known
    facts = imported or exported
    return None if facts is None else (facts,)


def _of_open_errors(views: Mapping[str, Any]) -> Facts:
    errors: OpenErrorsView = views["open_errors"]
    steps: StepsView | None = views["steps"]
    told = dict.fromkeys((step_id for _, step_id in errors.steps), True)
    return Facts((told, *(steps or StepsView()).listings))


def _row_with_errors(known: tuple[bool | None, StepFacts | None, StepFacts | None], _: None) -> StepRow | None:
    told, *listed = known
    return _row((listed[0], listed[1]), None) if told else None


def _info(rows: Mapping[str, StepRow]) -> Iterator[Family]:
    keys = ((name, row.name, row.type, row.adaptor_type, row.connection_id) for name, (row,) in rows.items())
    yield Family(catalogue.STEP_INFO, dict.fromkeys(keys, 1.0))
