"""Seeds, whatever was ever found, and inputs made of them keep every target's promise."""

import os
import zlib
from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz import targets
from tests.fuzz.target import Target, watch_logs

LARGEST_KEPT = 32 * 1024
TIMES_WHEN_PROVING = 20


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with watch_logs():
        yield


@pytest.fixture(params=targets.NAMES)
def target(request: pytest.FixtureRequest) -> Target:
    return targets.target(request.param)


def test_seeds_and_what_was_found_keep_the_promise(target: Target) -> None:
    assert list(target.seeds.iterdir())
    for path in target.inputs():
        assert path.stat().st_size <= LARGEST_KEPT, path
        target.run(path.read_bytes())


def test_inputs_made_of_the_seeds_keep_the_promise(target: Target) -> None:
    random = Random(zlib.crc32(target.name.encode()))
    begun = [path.read_bytes() for path in target.inputs()]
    for _ in range(target.quick * (TIMES_WHEN_PROVING if os.environ.get("PROVE") else 1)):
        held = random.choice(begun)
        for _ in range(random.choice((1, 1, 2, 6))):
            held = target.mutated(held, random)
        try:
            target.run(held)
        except Exception as error:
            error.add_note(f"the input: {held!r}")
            raise
