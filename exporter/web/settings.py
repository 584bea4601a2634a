"""What a web configuration file says: frozen values, each default standing here once. Nothing here reads a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from exporter.secret import Secret

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]
CLIENT_AUTHS: tuple[ClientAuth, ...] = get_args(ClientAuth)

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
TLS_VERSIONS: tuple[TlsVersion, ...] = get_args(TlsVersion)
"""From the oldest to the newest."""


def _nobody() -> Mapping[str, Secret]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM blocks, in a file or in the configuration itself: one of `path` and `text` is set.

    `key` and `line` are where the configuration names them.
    """

    path: str | None = None
    text: Secret | None = None
    key: str = field(default="", compare=False)
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """`tls_server_config`. Names are Go's; no `cipher_suites` and no `curve` mean those of OpenSSL."""

    certificate: Pem
    private_key: Pem
    client_auth_type: ClientAuth = "NoClientCert"
    client_ca: Pem | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that belong to it."""
        blocks = (self.certificate, self.private_key, self.client_ca)
        return tuple(pem.path for pem in blocks if pem is not None and pem.path is not None)


@dataclass(frozen=True, slots=True)
class RequestRate:
    """`rate_limit`: a token bucket for all requests together, one more token each `interval` seconds."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The whole file. `tls` None is plain HTTP, no `users` is no authentication. `users` holds bcrypt hashes by name.

    `http2` is what the file says about it, None when it says nothing.
    """

    tls: Tls | None = None
    http2: bool | None = None
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[str, Secret] = field(default_factory=_nobody)
    rate_limit: RequestRate | None = None
    source: str | None = field(default=None, compare=False)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that this configuration was made from."""
        own = () if self.source is None else (self.source,)
        return own + (() if self.tls is None else self.tls.paths)
