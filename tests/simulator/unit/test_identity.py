"""Ids and random streams depend on their names and on nothing else."""

import re

import pytest

from exporter.simulator.identity import digest, object_id, stream


def test_an_id_is_24_hex_characters() -> None:
    assert re.fullmatch(r"[0-9a-f]{24}", object_id(1, "flow", 7))


def test_equal_names_give_equal_ids_and_streams() -> None:
    assert object_id(1, "flow", 7) == object_id(1, "flow", 7)
    assert [stream(1, "x").random() for _ in range(3)] == [stream(1, "x").random() for _ in range(3)]


@pytest.mark.parametrize(
    "other", [(2, "flow", 7), (1, "flow", 8), (1, "import", 7), (1, "flow7"), (1, "flow", 7, "")], ids=str
)
def test_another_seed_or_name_gives_another_id(other: tuple[int, object]) -> None:
    assert digest(*other) != digest(1, "flow", 7)


def test_parts_do_not_run_together() -> None:
    assert digest(1, "ab", "c") != digest(1, "a", "bc")


def test_one_stream_does_not_depend_on_draws_from_another() -> None:
    first = stream(1, "a")
    undisturbed = stream(1, "b").random()
    for _ in range(100):
        first.random()
    assert stream(1, "b").random() == undisturbed


def test_ten_thousand_ids_are_unique() -> None:
    assert len({object_id(1, "export", number) for number in range(10_000)}) == 10_000
