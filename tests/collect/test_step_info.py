"""Names of steps: of those with open errors, or of all, each once."""

from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.step_info import step_info_block
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.steps import StepFacts
from tests.collect.blocks import built
from tests.collect.exposition import lines

ORDERS = StepFacts("Orders", "export", "HTTPExport", "c1", "delta")
CREATE = StepFacts("Create", "import", "HTTPImport", "c2")
STEPS = StepsView(StepListing({"s1": ORDERS}, True), StepListing({"s2": CREATE}, True))


def errors(*shown: tuple[str, str]) -> OpenErrorsView:
    return OpenErrorsView({}, {}, dict.fromkeys(shown, 1), {}, {}, {}, {}, 0, 1.0)


def info(step_id: str, name: str, kind: str, adaptor: str, connection: str) -> str:
    labels = f'step_id="{step_id}",step_name="{name}",step_type="{kind}"'
    return f'step_info{{{labels},adaptor_type="{adaptor}",connection_id="{connection}"}} 1'


NAMED_ORDERS = info("s1", "Orders", "export", "HTTPExport", "c1")
NAMED_CREATE = info("s2", "Create", "import", "HTTPImport", "c2")


def test_of_steps_with_open_errors_each_is_named_once_however_many_flows_use_it() -> None:
    block = step_info_block(all_steps=False)
    views = {"open_errors": errors(("f1", "s2"), ("f2", "s2")), "steps": STEPS}
    assert lines(built(block, views)) == [NAMED_CREATE]


def test_a_step_that_no_list_shows_has_no_name() -> None:
    block = step_info_block(all_steps=False)
    assert lines(built(block, {"open_errors": errors(("f1", "s9")), "steps": STEPS})) == []


def test_without_any_list_there_are_no_names() -> None:
    block = step_info_block(all_steps=False)
    assert lines(built(block, {"open_errors": errors(("f1", "s2")), "steps": None})) == []


def test_all_steps_are_named_with_and_without_errors() -> None:
    assert lines(built(step_info_block(all_steps=True), {"steps": STEPS})) == [NAMED_ORDERS, NAMED_CREATE]


def test_where_one_list_is_unknown_the_other_names_its_steps() -> None:
    half = StepsView(exports=StepListing({"s1": ORDERS}, True))
    assert lines(built(step_info_block(all_steps=True), {"steps": half})) == [NAMED_ORDERS]
