"""The snapshot in Redis: what one replica published is what another one serves, byte by byte."""

import itertools

import pytest

from exporter.expose.blocks import RenderedBlock
from exporter.expose.document import Documents
from exporter.expose.pieces import pack
from exporter.expose.render import Format
from exporter.replicas.keys import Keys
from exporter.replicas.link import Link
from exporter.replicas.published import NEVER, Published, Snapshot, arguments, snapshot
from exporter.replicas.scripts import ACQUIRE, FETCH, PUBLISH
from tests.clocks import ManualClock
from tests.replicas.redis_server import RedisServer


def block(version: int, text: bytes = b'celigo_up{account="acme"} 1.0\n', name: str = "celigo_up") -> RenderedBlock:
    return RenderedBlock("health", version, {name: pack(text)}, 1000.5)


def published(key: str, slot: str = "health", expires: int = NEVER, text: bytes = b"celigo_up 1.0\n") -> Published:
    return Published(key, slot, expires, block(1, text))


NOTHING = Snapshot()
ONE = Snapshot("a:9", (published("a:1"), published("a:2", "checks", 5000)))


@pytest.fixture
def leading(link: Link, keys: Keys) -> Link:
    """The replica `a` has the lease."""
    link.run(ACQUIRE, [keys.lease], ["a", link.stamp(), 15_000])
    return link


def publish(
    link: Link, keys: Keys, before: Snapshot, after: Snapshot, *, owner: str = "a", whole: bool = False
) -> bytes:
    answer: bytes = link.run(
        PUBLISH, [keys.lease, keys.served, keys.image], [owner, *arguments(before, after, {}, whole=whole)]
    )
    return answer


def fetch(link: Link, keys: Keys, known: Snapshot = NOTHING) -> Snapshot:
    answer = link.run(FETCH, [keys.served], [known.version, *(each.key for each in known.blocks)])
    return snapshot(answer, known, itertools.count(100))


def test_another_replica_has_the_same_bytes(leading: Link, keys: Keys) -> None:
    assert publish(leading, keys, Snapshot(), ONE) == b"ok"
    found = fetch(leading, keys)
    assert found.version == ONE.version
    assert [(each.key, each.slot, each.expires) for each in found.blocks] == [
        ("a:1", "health", 0),
        ("a:2", "checks", 5000),
    ]
    for mine, other in zip(ONE.blocks, found.blocks, strict=True):
        assert other.block.lines == mine.block.lines
        assert (other.block.collector, other.block.built_at) == ("health", 1000.5)


def test_blocks_get_versions_of_the_replica_that_fetches_them(leading: Link, keys: Keys) -> None:
    publish(leading, keys, Snapshot(), ONE)
    assert [each.block.version for each in fetch(leading, keys).blocks] == [100, 101]


def test_what_is_known_is_not_sent_again(leading: Link, keys: Keys) -> None:
    publish(leading, keys, Snapshot(), ONE)
    known = fetch(leading, keys)
    assert leading.run(FETCH, [keys.served], [known.version]) == []
    assert fetch(leading, keys, known) is known
    two = Snapshot("a:10", (ONE.blocks[0], published("a:3", "checks", text=b"celigo_up 2.0\n")))
    publish(leading, keys, ONE, two)
    answer = leading.run(FETCH, [keys.served], [known.version, *(each.key for each in known.blocks)])
    assert list(answer[2::2]) == [b"a:3"]
    newer = fetch(leading, keys, known)
    assert newer.blocks[0].block is known.blocks[0].block
    assert newer.blocks[1].block.lines == two.blocks[1].block.lines


def test_blocks_that_went_are_gone_from_redis(leading: Link, keys: Keys, server: RedisServer) -> None:
    publish(leading, keys, Snapshot(), ONE)
    publish(leading, keys, ONE, Snapshot("a:10", ONE.blocks[:1]))
    assert set(server.client.hkeys(keys.served)) == {b"version", b"blocks", b"a:1"}


def test_without_the_lease_nothing_is_published(leading: Link, keys: Keys) -> None:
    publish(leading, keys, Snapshot(), ONE)
    two = Snapshot("b:1", (published("b:2"),))
    assert publish(leading, keys, ONE, two, owner="b") == b"lost"
    assert publish(leading, keys, ONE, two, owner="b", whole=True) == b"lost"
    assert fetch(leading, keys).version == "a:9"


def test_a_redis_that_has_another_snapshot_is_noticed_and_can_be_replaced(
    leading: Link, keys: Keys, server: RedisServer
) -> None:
    publish(leading, keys, Snapshot(), ONE)
    server.client.hset(keys.served, mapping={"version": "older", "left": "over"})
    two = Snapshot("a:10", ONE.blocks)
    assert publish(leading, keys, ONE, two) == b"behind"
    assert publish(leading, keys, ONE, two, whole=True) == b"ok"
    assert set(server.client.hkeys(keys.served)) == {b"version", b"blocks", b"a:1", b"a:2"}
    assert fetch(leading, keys).version == "a:10"


def test_nothing_is_known_of_an_account_that_nobody_published(link: Link, keys: Keys) -> None:
    assert fetch(link, keys) == Snapshot()


def test_metrics_of_a_newer_exporter_are_left_out(leading: Link, keys: Keys) -> None:
    odd = Published("a:1", "health", NEVER, block(1, name="celigo_of_tomorrow"))
    publish(leading, keys, Snapshot(), Snapshot("a:2", (odd,)))
    (found,) = fetch(leading, keys).blocks
    assert found.block.lines == {}


@pytest.mark.parametrize("field", ["blocks", "a:1"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"\x93\x01\x02\x03", b"text"])
def test_what_nobody_published_is_refused(
    leading: Link, keys: Keys, server: RedisServer, field: str, content: bytes
) -> None:
    publish(leading, keys, Snapshot(), ONE)
    server.client.hset(keys.served, field, content)
    with pytest.raises(ValueError, match="none"):
        fetch(leading, keys)


def test_holding_ends_at_its_instant_by_the_clock_of_redis() -> None:
    assert published("a:1", expires=5000).holds(4999)
    assert not published("a:1", expires=5000).holds(5000)
    assert published("a:1").holds(10**15)


def test_documents_of_two_replicas_are_the_same(leading: Link, keys: Keys) -> None:
    class Served:
        def __init__(self, held: Snapshot) -> None:
            self.blocks = tuple(each.block for each in held.blocks)

        def current(self, now: float) -> tuple[RenderedBlock, ...]:
            del now
            return self.blocks

    publish(leading, keys, Snapshot(), Snapshot("a:9", ONE.blocks[:1]))
    for compressed in (True, False):
        texts = {
            Documents([Served(held)], ManualClock()).content(None, Format.OPENMETRICS, compressed=compressed).content
            for held in (Snapshot("a:9", ONE.blocks[:1]), fetch(leading, keys))
        }
        assert len(texts) == 1
