"""The connection to Redis: every command goes through here, has a time limit, and fails as `Away`.

After a failure nothing is tried for a moment, so that a Redis that hangs does not make every scrape hang, too.
"""

import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import NoScriptError
from redis.retry import Retry

from exporter.api.token import TokenProvider
from exporter.clock import Clock
from exporter.config.settings import RedisSettings
from exporter.ledger.trouble import REDIS_TROUBLES, Trouble
from exporter.replicas.trouble import Away, away

TIMEOUT_SECONDS = 2.0
"""How long Redis may take to answer, or to take a connection."""

PAUSE_SECONDS = 1.0
"""How long nothing is tried after a failure to reach it."""

BELIEVED_SECONDS = 10.0
"""How long a Redis that did not take something is told of, while it answers what proves nothing about that."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


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
        self._redis = _client(settings, environ, clock)
        self._scripts: dict[str, Script] = {}
        self._offset: float | None = None
        self._lock = threading.Lock()  # guards everything below
        self._paused_until = float("-inf")
        self._trouble: Trouble | None = None
        self._failed_at = float("-inf")
        self._failures: Counter[Trouble] = Counter()

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

    def asked(self, ask: Callable[[redis.Redis], T], script: str | None = None) -> T:
        """What `ask` brings back from Redis. Raises Away, at once when Redis could not be reached a moment ago.

        `script` is what it runs, if any.
        """
        with self._lock:
            if self._clock.monotonic() < self._paused_until and self._trouble is not None:
                raise Away(self._trouble)
        try:
            answer = ask(self._redis)
        except (redis.RedisError, OSError, ssl.SSLError, UnicodeError) as failure:
            raise self._failed(away(failure)) from None
        self._worked(script)
        return answer

    def run(self, script: str, keys: Sequence[str], args: Sequence[bytes | str | int | float]) -> Any:  # noqa: ANN401 - what the script says
        """What a script answers. Raises Away."""
        registered = self._registered(script)
        return self.asked(lambda _: registered(keys=list(keys), args=list(args)), script)

    def run_all(self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """What a script answers to each of many calls, which are sent together; an Away for one that alone failed.

        Raises Away when none could be asked.
        """
        if not calls:
            return []
        registered = self._registered(script)

        def send(client: redis.Redis) -> list[Any]:
            # By the name that it has in Redis: the library's own way asks first whether it is there, each time.
            pipeline = client.pipeline(transaction=False)
            for keys, args in calls:
                pipeline.evalsha(registered.sha, len(keys), *keys, *args)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            return answers

        def send_known(client: redis.Redis) -> list[Any]:
            answers = send(client)
            if not any(isinstance(each, NoScriptError) for each in answers):
                return answers
            client.script_load(script)
            return send(client)

        return [away(each) if isinstance(each, Exception) else each for each in self.asked(send_known, script)]

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

    def _worked(self, script: str | None) -> None:
        with self._lock:
            before, recent = self._trouble, self._clock.monotonic() < self._failed_at + BELIEVED_SECONDS
            if before in {"full", "read_only"} and recent and not _disproves(script, before):
                return
            self._trouble = None
        if before is not None:
            _log.info("Redis works again", extra={"fields": {"url": self.settings.url}})


def _disproves(script: str | None, trouble: Trouble) -> bool:
    """Whether a Redis in trouble would have refused a script; one that is full still takes what keeps the leases."""
    head = "no-writes" if script is None else script.partition("\n")[0]
    return "no-writes" not in head and not (trouble == "full" and "allow-oom" in head)


class _Password(redis.CredentialProvider):
    """Reads the password for each connection, so that a changed one is used."""

    def __init__(self, username: str, password: TokenProvider) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """What AUTH takes."""
        secret = self._password.current().reveal()
        return (self._username, secret) if self._username else (secret,)


def _client(settings: RedisSettings, environ: Mapping[str, str], clock: Clock) -> redis.Redis:
    place = urlsplit(settings.url)
    password = None if settings.password is None else TokenProvider(settings.password, environ, clock)
    tls: dict[str, Any] = {}
    if place.scheme == "rediss":
        tls = {
            "ssl": True,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
            "ssl_ca_certs": settings.ca_file,
            "ssl_certfile": settings.cert_file,
            "ssl_keyfile": settings.key_file,
        }
    return redis.Redis(
        host=place.hostname or "",
        port=place.port or 6379,
        db=int(place.path.removeprefix("/") or 0),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        credential_provider=None if password is None else _Password(settings.username, password),
        client_name="celigo-exporter",
        **tls,
    )
