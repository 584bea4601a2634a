"""The connection to Redis: every command goes through here, has a time limit, and fails as `Away`.

After a failure nothing is tried for a moment, so that a Redis that hangs does not make every scrape hang, too.
"""

import logging
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from exporter.clock import Clock
from exporter.config.settings import RedisSettings
from exporter.ledger.trouble import REDIS_TROUBLES, Trouble
from exporter.replicas.client import made_client
from exporter.replicas.trouble import Away, away

PAUSE_SECONDS = 1.0
"""How long nothing is tried after a failure to reach it."""

BELIEVED_SECONDS = 10.0
"""How long a Redis that did not take something is told of, while it answers what proves nothing about that."""

RECENT = 32
"""How many answers are looked back at to tell how long Redis takes."""

_OF_REDIS = {"full", "read_only"}
"""Troubles that no single account has."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Call(NamedTuple):
    """A run of a script."""

    script: str
    keys: Sequence[str]
    args: Sequence[bytes | str | int | float]


class Link:
    """One Redis. Thread-safe; makes no connection before it is used.

    `now` gives the time in milliseconds that leases and budgets go by; None lets the server tell.
    """

    def __init__(
        self,
        settings: RedisSettings,
        environ: Mapping[str, str],
        clock: Clock,
        now: Callable[[], int] | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._now = now
        self._redis = made_client(settings, environ, clock)
        self._apart = made_client(settings, environ, clock)
        self._scripts: dict[str, Script] = {}
        self._offset: float | None = None
        self._lock = threading.Lock()  # guards everything below
        self._paused_until = float("-inf")
        self._trouble: Trouble | None = None
        self._failed_at = float("-inf")
        self._failures: Counter[Trouble] = Counter()
        self._seconds: deque[float] = deque([0.0], RECENT)

    @property
    def client(self) -> redis.Redis:
        """The library's client; to be used inside of `asked` alone."""
        return self._redis

    @property
    def trouble(self) -> Trouble | None:
        """Why the newest command failed; None when it did not."""
        return self._trouble

    @property
    def failures(self) -> Mapping[Trouble, int]:
        """How often commands failed, by trouble."""
        with self._lock:
            return dict(self._failures)

    @property
    def answer_seconds(self) -> float:
        """How long the slowest of the recent answers took; one that never came tells nothing of the next."""
        with self._lock:
            return max(self._seconds)

    def asked(self, ask: Callable[[redis.Redis], T], script: str | None = None) -> T:
        """What `ask` brings back from Redis. Raises Away, at once when Redis could not be reached a moment ago.

        `script` is what it runs, if any.
        """
        answer = self._answer(ask, self._redis)
        self._worked([script])
        return answer

    def run(self, script: str, keys: Sequence[str], args: Sequence[bytes | str | int | float]) -> Any:  # noqa: ANN401 - what the script says
        """What a script answers. Raises Away."""
        registered = self._registered(script)
        return self.asked(lambda _: registered(keys=list(keys), args=list(args)), script)

    def run_all(self, calls: Sequence[Call], *, apart: bool = False) -> list[Any]:
        """What each of many runs of scripts answers; they are sent together. An Away for one that alone failed.

        `apart`: over a connection that nobody else uses, for one thread at a time. Raises Away when none could be
        asked, or when all fail by what is a trouble of Redis itself.
        """
        if not calls:
            return []
        for script in {call.script for call in calls}:
            self._registered(script)
        answers = self._answer(partial(self._sent, calls), self._apart if apart else self._redis)
        told = [away(each) if isinstance(each, Exception) else each for each in answers]
        self._told(calls, told)
        return told

    def stamp(self) -> int:
        """What a script takes for the time: 0 lets the server tell."""
        return 0 if self._now is None else self._now()

    def now(self) -> int:
        """Milliseconds since the epoch by the server's clock as far as it is known. Asks Redis the first time."""
        if self._now is not None:
            return self._now()
        if self._offset is None:
            seconds, micros = self.asked(lambda client: client.time())
            self.set_clock(seconds * 1000 + micros // 1000)
        return int((self._clock.monotonic() + (self._offset or 0.0)) * 1000)

    def set_clock(self, now: int) -> None:
        """Compare the own clock with the server's, which just told that it is `now`, milliseconds since the epoch."""
        self._offset = now / 1000 - self._clock.monotonic()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._apart.close()

    def _answer(self, ask: Callable[[redis.Redis], T], client: redis.Redis) -> T:
        with self._lock:
            if self._clock.monotonic() < self._paused_until and self._trouble is not None:
                raise Away(self._trouble)
        began = self._clock.monotonic()
        try:
            answer = ask(client)
        except (redis.RedisError, OSError, ssl.SSLError, UnicodeError) as failure:
            raise self._failed(away(failure)) from None
        with self._lock:
            self._seconds.append(self._clock.monotonic() - began)
        return answer

    def _sent(self, calls: Sequence[Call], client: redis.Redis) -> list[Any]:
        """The answers, failures among them, once Redis knows all scripts."""
        answers = self._piped(calls, client)
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            for script in {calls[number].script for number in unknown}:
                client.script_load(script)
            for number, answer in zip(unknown, self._piped([calls[each] for each in unknown], client), strict=True):
                answers[number] = answer
        return answers

    def _piped(self, calls: Sequence[Call], client: redis.Redis) -> list[Any]:
        # By the name that it has in Redis: the library's own way asks first whether it is there, each time.
        pipeline = client.pipeline(transaction=False)
        for script, keys, args in calls:
            pipeline.evalsha(self._registered(script).sha, len(keys), *keys, *args)
        answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _told(self, calls: Sequence[Call], answers: Sequence[Any]) -> None:
        """Keep what the answers say of Redis itself. Raises Away when no call was taken."""
        failed = [each for each in answers if isinstance(each, Away)]
        taken = [call.script for call, each in zip(calls, answers, strict=True) if not isinstance(each, Away)]
        if not taken and {each.trouble for each in failed} != {"io"}:
            raise self._failed(failed[0])
        if taken:
            self._worked(taken)
        for each in failed:
            if each.trouble in _OF_REDIS:
                self._failed(each)
            else:
                self._count(each.trouble)

    def _count(self, trouble: Trouble) -> None:
        with self._lock:
            self._failures[trouble] += 1

    def _registered(self, script: str) -> Script:
        if script not in self._scripts:
            self._scripts[script] = self._redis.register_script(script)
        return self._scripts[script]

    def _failed(self, failure: Away) -> Away:
        with self._lock:
            before, self._trouble = self._trouble, failure.trouble
            self._failed_at = self._clock.monotonic()
            self._failures[failure.trouble] += 1
            if failure.trouble in {"unreachable", "refused"}:
                self._paused_until = self._clock.monotonic() + PAUSE_SECONDS
        if before != failure.trouble:
            text = REDIS_TROUBLES[failure.trouble]
            _log.error("Redis fails", extra={"fields": {"url": self.settings.url, "trouble": text}})
        return failure

    def _worked(self, scripts: Iterable[str | None]) -> None:
        with self._lock:
            before, recent = self._trouble, self._clock.monotonic() < self._failed_at + BELIEVED_SECONDS
            if before in _OF_REDIS and recent and not any(_disproves(each, before) for each in scripts):
                return
            self._trouble = None
        if before is not None:
            _log.info("Redis works again", extra={"fields": {"url": self.settings.url}})


def _disproves(script: str | None, trouble: Trouble) -> bool:
    """Whether a Redis in trouble would have refused a script; one that is full still takes what keeps the leases."""
    head = "no-writes" if script is None else script.partition("\n")[0]
    return "no-writes" not in head and not (trouble == "full" and "allow-oom" in head)
