"""Which connections there are, and which one gives way when there are too many.

Those that wait for their client give way: before the handshake, before a request, before an answer is read. Of these,
the address that has most gives the one that has waited longest. So clients that say nothing cost each other their
place, and not the one that scrapes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Connection:
    """One connection. `waits_since` is when it began to wait for its client, None while the client waits for us.

    `abort` closes it at once.
    """

    peer: str
    waits_since: float | None
    abort: Callable[[], object]


class Connections:
    """All connections of a server. Belongs to one event loop."""

    def __init__(self, most: int, per_peer: int) -> None:
        self._most = most
        self._per_peer = per_peer
        self._open: set[Connection] = set()
        self._peers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection) -> Connection | None:
        """Take `connection` in; the one that gives way for it, which may be itself, or None."""
        self._add(connection)
        peer = connection.peer
        if self._peers[peer] > self._per_peer:
            out = _longest_waiting(each for each in self._open if each.peer == peer and each is not connection)
        elif len(self._open) > self._most:
            out = self._of_the_greediest(connection)
        else:
            return None
        out = connection if out is None else out
        self.discard(out)
        return out

    def discard(self, connection: Connection) -> None:
        """It is closed, or about to be."""
        if connection in self._open:
            self._open.remove(connection)
            self._peers[connection.peer] -= 1
            if not self._peers[connection.peer]:
                del self._peers[connection.peer]

    def _add(self, connection: Connection) -> None:
        self._open.add(connection)
        self._peers[connection.peer] += 1

    def _of_the_greediest(self, newest: Connection) -> Connection | None:
        waiting = [each for each in self._open if each.waits_since is not None and each is not newest]
        if not waiting:
            return None
        peer, _ = Counter(each.peer for each in waiting).most_common(1)[0]
        return _longest_waiting(each for each in waiting if each.peer == peer)


def _longest_waiting(connections: Iterable[Connection]) -> Connection | None:
    waiting = [(each.waits_since, id(each), each) for each in connections if each.waits_since is not None]
    return min(waiting)[2] if waiting else None
