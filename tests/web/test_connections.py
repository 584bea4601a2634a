"""Which connection gives way."""

from dataclasses import dataclass, field

import pytest

from exporter.web.connections import Connection, Connections


@dataclass
class Made:
    """Connections by name, and what became of them."""

    connections: Connections
    named: dict[str, Connection] = field(default_factory=dict)

    def admit(self, name: str, peer: str, waits_since: float | None) -> str | None:
        """Let one in; the name of the one that gives way."""
        self.named[name] = Connection(peer, waits_since, lambda: None)
        out = self.connections.admit(self.named[name])
        return next((known for known, each in self.named.items() if each is out), None)


def made(most: int = 3, per_peer: int = 3) -> Made:
    return Made(Connections(most, per_peer))


def test_as_long_as_there_is_room_nobody_gives_way() -> None:
    server = made()
    assert [server.admit(str(number), "a", float(number)) for number in range(3)] == [None] * 3
    assert len(server.connections) == 3


def test_the_longest_waiting_one_gives_way() -> None:
    server = made()
    for name, since in (("late", 5.0), ("early", 1.0), ("middle", 3.0)):
        server.admit(name, "a", since)
    assert server.admit("new", "a", 9.0) == "early"
    assert len(server.connections) == 3


def test_one_that_is_being_served_does_not_give_way() -> None:
    server = made()
    server.admit("scrape", "a", None)
    server.admit("silent", "a", 5.0)
    server.admit("another scrape", "a", None)
    assert server.admit("new", "a", 9.0) == "silent"


def test_the_address_that_has_most_gives_way() -> None:
    server = made(most=4, per_peer=4)
    server.admit("prometheus", "b", 0.0)
    for number in range(3):
        server.admit(f"silent {number}", "a", 1.0 + number)
    assert server.admit("new", "c", 9.0) == "silent 0"


def test_when_all_are_being_served_the_new_one_is_turned_away() -> None:
    server = made()
    for number in range(3):
        server.admit(str(number), "a", None)
    assert server.admit("new", "b", 9.0) == "new"
    assert len(server.connections) == 3


def test_an_address_has_its_own_bound_and_pays_for_it_itself() -> None:
    server = made(most=100, per_peer=2)
    server.admit("other", "b", 0.0)
    server.admit("first", "a", 1.0)
    server.admit("second", "a", 2.0)
    assert server.admit("third", "a", 3.0) == "first"


def test_what_is_closed_makes_room_once() -> None:
    server = made(most=1)
    server.admit("first", "a", 1.0)
    for _ in range(2):
        server.connections.discard(server.named["first"])
    assert len(server.connections) == 0
    assert server.admit("second", "a", 2.0) is None
    assert server.admit("third", "a", 3.0) == "second"


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_nothing_is_kept_of_addresses_that_are_gone(count: int) -> None:
    server = made(most=2000)
    for number in range(count):
        server.admit(str(number), f"peer {number}", 1.0)
    for each in server.named.values():
        server.connections.discard(each)
    assert vars(server.connections)["_peers"] == {}
