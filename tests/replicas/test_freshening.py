"""How long a scrape leaves for Redis: enough for whatever publishing and fetching may wait for."""

import pytest

from exporter.expose.document import Documents
from exporter.replicas.offers import TOGETHER
from exporter.serve.roster import Group
from tests.clocks import ManualClock
from tests.replicas.desks import Replica, asked, read, ticks
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


def test_there_is_time_for_every_answer_that_it_may_wait_for(
    server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"account-{number}" for number in range(2 * TOGETHER + 1))
    one = Replica(server.url, clock, "a", names)
    ticks(clock, 3, one)
    for seat in one.seats:
        read(seat, clock)
    server.client.delete(one.seats[-1].keys.served)
    found = asked(one, monkeypatch)
    began = one.desk.freshening_seconds(len(names))
    one.desk.freshen(one.seats)
    assert len(found) == 4, "three lots, and one that Redis forgot"
    monkeypatch.setattr(type(one.desk.place.link), "answer_seconds", 2.0)
    assert one.desk.freshening_seconds(len(names)) - began >= (len(found) + 1) * 2.0


def test_where_redis_answers_at_once_there_is_time_to_begin(server: RedisServer, clock: ManualClock) -> None:
    one = Replica(server.url, clock, "a")
    assert one.desk.place.link.answer_seconds == 0.0
    assert one.desk.freshening_seconds(1) >= 0.2


def test_a_group_leaves_the_time_for_all_of_its_accounts_and_none_without_a_desk(
    server: RedisServer, clock: ManualClock
) -> None:
    one = Replica(server.url, clock, "a", tuple(f"account-{number}" for number in range(TOGETHER + 1)))
    one.desk.place.link.asked(lambda _: clock.advance(1.0))
    groups = [Group(tuple(one.seats), Documents((), clock), desk=desk) for desk in (one.desk, None)]
    assert [group.freshening_seconds for group in groups] == [one.desk.freshening_seconds(TOGETHER + 1), 0.0]
    assert one.desk.freshening_seconds(TOGETHER + 1) > one.desk.freshening_seconds(1)
