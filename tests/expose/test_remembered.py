"""Families that change seldom are rendered when they change, and are the same bytes as if they always were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.expose import blocks
from exporter.expose.blocks import RememberedFamilies, packed, render_families
from exporter.expose.catalogue import own
from exporter.expose.families import Family, Metric, Scope, Series, Value
from exporter.expose.pieces import Piece
from exporter.expose.render import lines

SCOPE = Scope("acme", "production")
METRICS = (own.EXPORTER_OBJECTS, own.EXPORTER_COLLECTOR_SUCCESS, own.API_CLOCK_SKEW_SECONDS)


def family(metric: Metric, **values: float) -> Family:
    return Family(metric, {(name,) if metric.labels else (): value for name, value in values.items()})


def texts(pieces: dict[str, Piece]) -> dict[str, bytes]:
    return {name: piece.text for name, piece in pieces.items()}


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the families that are rendered from now on."""
    names: list[str] = []

    def watched(each: Family, scope: Scope | None) -> bytes:
        names.append(each.metric.name)
        return lines(each, scope)

    monkeypatch.setattr(blocks, "lines", watched)
    return names


def test_what_stays_is_not_rendered_again(rendered: list[str]) -> None:
    held = RememberedFamilies()
    for _ in range(3):
        held.rendered([family(own.EXPORTER_OBJECTS, flow=3.0), family(own.API_CLOCK_SKEW_SECONDS, now=1.5)], SCOPE)
    assert rendered == ["celigo_exporter_objects", "celigo_api_clock_skew_seconds"]


def test_only_what_changes_is(rendered: list[str]) -> None:
    held = RememberedFamilies()
    for value in (1.5, 2.5):
        told = held.rendered(
            [family(own.EXPORTER_OBJECTS, flow=3.0), family(own.API_CLOCK_SKEW_SECONDS, now=value)], SCOPE
        )
        assert texts(told)["celigo_api_clock_skew_seconds"].endswith(f" {value}\n".encode())
    assert rendered.count("celigo_exporter_objects") == 1
    assert rendered.count("celigo_api_clock_skew_seconds") == 2


def test_a_family_that_changes_in_place_is_seen(rendered: list[str]) -> None:
    held = RememberedFamilies()
    counts: dict[tuple[str, ...], Value] = {("flow",): 3.0}
    held.rendered([Family(own.EXPORTER_OBJECTS, counts)], SCOPE)
    counts[("flow",)] = 4.0
    told = held.rendered([Family(own.EXPORTER_OBJECTS, counts)], SCOPE)
    assert texts(told)["celigo_exporter_objects"].endswith(b" 4.0\n")
    assert len(rendered) == 2


def test_a_family_that_went_is_forgotten(rendered: list[str]) -> None:
    held, objects = RememberedFamilies(), family(own.EXPORTER_OBJECTS, flow=3.0)
    for shown in ([objects], [], [objects]):
        assert len(held.rendered(shown, SCOPE)) == len(shown)
    assert len(rendered) == 2


def test_one_without_series_is_left_out() -> None:
    held = RememberedFamilies()
    for _ in range(2):
        assert held.rendered([Family(own.EXPORTER_OBJECTS, {})], SCOPE) == {}


def test_one_that_comes_twice_is_a_bug_and_nothing_is_lost_by_it() -> None:
    held, objects = RememberedFamilies(), family(own.EXPORTER_OBJECTS, flow=3.0)
    with pytest.raises(ValueError, match="comes twice"):
        held.rendered([objects, objects], SCOPE)
    assert len(held.rendered([objects], SCOPE)) == 1


series = st.dictionaries(st.sampled_from(["flow", "connection", "agent"]), st.floats(allow_nan=True), max_size=3)


@given(st.lists(st.tuples(series, series, series), max_size=5))
def test_it_is_always_what_rendering_everything_gives(rounds: list[tuple[dict[str, float], ...]]) -> None:
    held = RememberedFamilies()
    for values in rounds:
        families = [Family(metric, keyed(metric, each)) for metric, each in zip(METRICS, values, strict=True)]
        assert texts(held.rendered(families, SCOPE)) == texts(packed(render_families(families, SCOPE)))


def keyed(metric: Metric, values: dict[str, float]) -> Series:
    """Series of a metric with one label or none."""
    return {(name,): value for name, value in values.items()} if metric.labels else dict.fromkeys([()], 0.5)
