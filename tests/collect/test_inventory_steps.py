"""Which steps a flow has, wherever its row names them."""

import pytest

from exporter.api.models import Branch, Flow, PageGenerator, PageProcessor, Router
from exporter.collect.flow_steps import step_ids

E1, E2 = PageGenerator(export_id="e1"), PageGenerator(export_id="e2")
LOOKUP, IMPORT = PageProcessor(type="export", export_id="l1"), PageProcessor(type="import", import_id="i1")
OTHER = PageProcessor(type="import", import_id="i2")


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (Flow(id="f"), ()),
        (Flow(id="f", page_generators=(E1, E2)), ("e1", "e2")),
        (Flow(id="f", page_generators=(E1,), page_processors=(LOOKUP, IMPORT)), ("e1", "l1", "i1")),
        (
            Flow(
                id="f",
                page_generators=(E1,),
                routers=(
                    Router(branches=(Branch(page_processors=(LOOKUP,)), Branch(page_processors=(IMPORT, OTHER)))),
                ),
            ),
            ("e1", "l1", "i1", "i2"),
        ),
        (Flow(id="f", page_processors=(IMPORT,), routers=(Router(), Router(branches=(Branch(),)))), ("i1",)),
        (Flow(id="f", export_id="old-export", import_id="old-import"), ("old-export", "old-import")),
        (Flow(id="f", page_generators=(E1, E1), page_processors=(IMPORT, IMPORT), export_id="e1"), ("e1", "i1")),
        (Flow(id="f", page_generators=(PageGenerator(),), page_processors=(PageProcessor(type="tool"),)), ()),
        (Flow(id="f", page_generators=(PageGenerator(export_id=""),)), ()),
    ],
    ids=["none", "generators", "processors", "branches", "empty", "legacy", "each once", "without id", "empty id"],
)
def test_step_ids_come_from_every_place_each_once_in_order(flow: Flow, expected: tuple[str, ...]) -> None:
    assert step_ids(flow) == expected
