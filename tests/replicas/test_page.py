"""The page of a replica: what another one refreshes is told as such, and is neither well nor ill here."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.clock import SystemClock
from exporter.config.settings import RedisSettings, Settings, StateSettings
from exporter.serve.fleet import Fleet
from exporter.serve.page.render import render
from exporter.serve.page.trouble import Troubles
from tests.e2e.processes import until
from tests.replicas.redis_server import RedisServer
from tests.serve.page.reading import UNKNOWN, notices, table, text, tiles
from tests.serve.rig import TOKEN, settings_of
from tests.serve.upstream import Upstream


@pytest.fixture
def shared(server: RedisServer) -> Iterator[Settings]:
    """Two accounts whose state is in Redis."""
    with Upstream() as one, Upstream() as other:
        yield replace(settings_of([one, other]), state=StateSettings(redis=RedisSettings(server.url, lease=2.0)))


@pytest.fixture
def leading(shared: Settings) -> Iterator[Fleet]:
    """A replica that has read both."""
    with Fleet(shared, {"T": TOKEN}, SystemClock()) as fleet, fleet.attending():
        until(lambda: all(seat.leading for seat in fleet.roster.seats), "it leads")
        for future in fleet.trigger():
            future.result(60)
        yield fleet


@pytest.fixture
def standing_by(shared: Settings, leading: Fleet) -> Iterator[Fleet]:
    """One that came later; it has not been there for long enough to be left an account."""
    assert leading.accounts
    with Fleet(shared, {"T": TOKEN}, SystemClock()) as fleet:
        assert fleet.desk is not None
        fleet.desk.tick(fleet.roster.seats)
        yield fleet


def page_of(fleet: Fleet, name: str | None = None) -> str:
    return render(fleet, Troubles(), name, 1).content.decode()


def title(page: str) -> str:
    return text(page.split("<title>")[1].split("</title>")[0])


def test_accounts_of_another_replica_are_not_counted_among_those_that_are_not_up(standing_by: Fleet) -> None:
    page = page_of(standing_by)
    assert "2 accounts with other replicas" in title(page)
    assert " up" not in title(page)
    assert tiles(page)["Accounts up"].startswith("0 of 0")


def test_nothing_of_them_is_claimed_to_be_known(standing_by: Fleet) -> None:
    for state, *figures, read, why in table(page_of(standing_by), "accounts").values():
        assert (state, why) == ("elsewhere", "another replica refreshes it")
        assert {*figures, read} == {UNKNOWN}


def test_their_pages_say_where_to_look(standing_by: Fleet) -> None:
    name = standing_by.accounts[0].account.name
    assert "another replica" in " ".join(map(str, notices(page_of(standing_by, name))))


def test_the_replica_that_refreshes_them_tells_all_about_them(leading: Fleet) -> None:
    page = page_of(leading)
    assert "2 of 2 accounts up" in title(page)
    assert "other replicas" not in title(page)


def test_where_the_counters_are_is_told(leading: Fleet) -> None:
    assert "shared with other replicas in Redis" in text(page_of(leading))
