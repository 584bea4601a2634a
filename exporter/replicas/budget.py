"""The request budget of one account, shared by all replicas.

Every request takes a token of the replica's own bucket first, so that a replica without Redis keeps to the budget all
the same, and then one of the bucket in Redis, so that a take-over is no new burst.
"""

from pyrate_limiter import Rate, RateItem
from pyrate_limiter.abstracts.algorithm import TokenBucket
from pyrate_limiter.buckets.redis_state import RedisStateStore
from pyrate_limiter.buckets.state_bucket import StateBucket

from exporter.replicas.keys import Keys
from exporter.replicas.link import Link
from exporter.replicas.trouble import Away

_BUCKET_MILLISECONDS = 24 * 3600 * 1000
"""How long Redis keeps a bucket that nobody uses: far longer than any takes to fill."""


class SharedTokens:
    """The bucket and the pause in Redis (see `exporter.api.budget.Shared`). Thread-safe. Without Redis it is no bar."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._store = RedisStateStore(link.client, keys.budget, _BUCKET_MILLISECONDS)

    def take(self, rate: Rate) -> float:
        """Take a token; 0, or the seconds until there is one."""
        try:
            return self._link.asked(lambda _: self._taken(rate))
        except Away:
            return 0.0

    def pause(self, seconds: float) -> None:
        """Tell the other replicas that the API asked for a pause."""
        milliseconds = max(1, int(seconds * 1000))
        try:
            until = self._link.now() + milliseconds
            self._link.asked(lambda client: client.set(self._keys.pause, until, px=milliseconds))
        except Away:
            return

    def paused(self) -> float:
        """Seconds for which the API asked another replica for a pause. Raises Away."""
        until = self._link.asked(lambda client: client.get(self._keys.pause))
        told = (until or b"").isdigit()
        return max(0.0, (int(until or 0) - self._link.now()) / 1000) if told else 0.0

    def _taken(self, rate: Rate) -> float:
        bucket = StateBucket([rate], TokenBucket(), self._store)
        item = RateItem("request", self._link.now())
        if bucket.put(item):
            return 0.0
        wait = bucket.waiting(item)
        return max(1, wait if isinstance(wait, int) else 1) / 1000
