"""The harness remembers lines; what it serves is what the renderer would have served."""

from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from exporter.expose import catalogue, render, snapshot
from exporter.expose.families import Distribution, Family, Scope
from exporter.expose.render import Format
from tests.simulation.memo import RememberedLines
from tests.simulation.world import World

SCOPE = Scope("acme", "production")
KEYS = st.tuples(st.sampled_from(["f1", "f2", 'quo"te']), st.sampled_from(["completed", "failed"]))
VALUES = st.one_of(st.integers(0, 5).map(float), st.floats(allow_nan=False))
RUNS = st.dictionaries(KEYS, VALUES, max_size=6)


@given(st.lists(RUNS, min_size=1, max_size=5))
def test_any_sequence_of_families_is_rendered_as_ever(sequence: list[dict[tuple[str, ...], float]]) -> None:
    remembered = RememberedLines()
    for series in sequence:
        family = Family(catalogue.FLOW_RUNS_TOTAL, {key: value + 0.0 for key, value in series.items()})
        assert remembered(family, SCOPE) == render.lines(family, SCOPE)


def test_histograms_too() -> None:
    remembered = RememberedLines()
    metric = catalogue.RUN_QUEUE_WAIT_SECONDS
    for count in (0, 1, 1, 2):
        held = Distribution((count,) * len(metric.buckets), float(count), count)
        family = Family(metric, {("i1",): held, ("i2",): Distribution((0,) * len(metric.buckets), 0.0, 0)})
        assert remembered(family, SCOPE) == render.lines(family, SCOPE)


def test_a_whole_document_is_the_same_without_it(tmp_path: Path) -> None:
    with World(tmp_path, flows=12, history_seconds=3600.0) as world:
        world.minutes(15)
        assert world.fleet is not None
        account = world.fleet.accounts[0]
        served = world.fleet.documents.content(None, Format.TEXT, compressed=False).content
        account._snapshots._kept.clear()
        account._snapshots._kept_own = None
        with mock.patch.object(snapshot, "lines", render.lines):
            fresh = world.fleet.documents.content(None, Format.TEXT, compressed=False).content
        assert fresh == served
