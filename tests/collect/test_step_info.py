"""Names of steps: of those with open errors, or of all, each once."""

import pytest

from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.step_info import step_info_block
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.steps import StepFacts
from tests.collect.exposition import lines

ORDERS = StepFacts("Orders", "export", "HTTPExport", "c1", "delta")
CREATE = StepFacts("Create", "import", "HTTPImport", "c2")
STALE = StepFacts("Old name", "import", "HTTPImport", "c2")


def errors(*shown: str, **facts: StepFacts) -> OpenErrorsView:
    return OpenErrorsView({}, {}, {("f1", step_id): 1 for step_id in shown}, facts, {}, {}, {}, {}, 0, 1.0)


def info(step_id: str, name: str, kind: str, adaptor: str, connection: str) -> str:
    labels = f'step_id="{step_id}",step_name="{name}",step_type="{kind}"'
    return f'step_info{{{labels},adaptor_type="{adaptor}",connection_id="{connection}"}} 1'


def test_of_steps_with_open_errors_those_are_named_that_are_shown() -> None:
    block = step_info_block(all_steps=False)
    view = errors("s2", s1=ORDERS, s2=CREATE)
    assert (block.collector, block.inputs) == ("errors", ("open_errors",))
    assert lines(block.build({"open_errors": view})) == [info("s2", "Create", "import", "HTTPImport", "c2")]


def test_all_steps_are_named_with_and_without_errors_each_once() -> None:
    block = step_info_block(all_steps=True)
    steps = StepsView(StepListing({"s1": ORDERS}, True), StepListing({"s2": CREATE}, True))
    expected = [info("s1", "Orders", "export", "HTTPExport", "c1"), info("s2", "Create", "import", "HTTPImport", "c2")]
    assert block.inputs[0] == "steps"
    assert lines(block.build({"steps": steps, "open_errors": None})) == expected
    assert sorted(lines(block.build({"steps": steps, "open_errors": errors("s2", s2=STALE)}))) == expected


@pytest.mark.parametrize("shown", [("s2",), ()], ids=["shown", "not shown"])
def test_where_one_list_is_unknown_the_errors_tell_of_what_they_show(shown: tuple[str, ...]) -> None:
    block = step_info_block(all_steps=True)
    steps = StepsView(exports=StepListing({"s1": ORDERS}, True))
    found = lines(block.build({"steps": steps, "open_errors": errors(*shown, s2=STALE)}))
    assert len(found) == 1 + len(shown)


def test_both_blocks_have_one_name_so_that_an_account_has_one_of_them() -> None:
    assert step_info_block(all_steps=True).name == step_info_block(all_steps=False).name
