"""Exporters for the tests of the page, shared by the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.serve.page.stage import HOSTILE, Stage, hostile, stage, trouble


@pytest.fixture(scope="module")
def healthy() -> Iterator[Stage]:
    """One account that everything was read of."""
    with stage("acme") as held:
        held.collect(2)
        yield held


@pytest.fixture(scope="module")
def troubled() -> Iterator[Stage]:
    """Three accounts: of the second the token was revoked, the third has hostile names, the first everything else."""
    with stage("acme", "globex", HOSTILE[1]) as held:
        held.collect()
        trouble(held)
        held.simulators[1].inject("token_revoked")
        hostile(held, 2)
        held.clock.advance(3 * 3600)
        held.collect(2)
        yield held
