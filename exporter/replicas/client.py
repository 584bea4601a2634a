"""The library's client for one Redis, as the settings have it."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from exporter.api.token import TokenProvider
from exporter.clock import Clock
from exporter.config.settings import RedisSettings

TIMEOUT_SECONDS = 2.0
"""How long Redis may take to answer, or to take a connection."""


class _Password(redis.CredentialProvider):
    """Reads the password for each connection, so that a changed one is used."""

    def __init__(self, username: str, password: TokenProvider) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """What AUTH takes."""
        secret = self._password.current().reveal()
        return (self._username, secret) if self._username else (secret,)


def made_client(settings: RedisSettings, environ: Mapping[str, str], clock: Clock) -> redis.Redis:
    """A client with connections of its own, of which none is made yet. TLS is verified, always."""
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
        # A new connection waits for an answer to each of its greetings: where Redis is slow, these take seconds.
        protocol=2,
        driver_info=None,
        **tls,
    )
