"""The web configuration file: TLS, users, headers, and the PEM blocks and files that it names."""

import tempfile
from functools import cache
from pathlib import Path

from exporter.config.file import read_text
from exporter.config.problem import ConfigError
from exporter.web.load import load_web_access
from exporter.web.parse import COST_MAX, COST_MIN, parse_web_config
from exporter.web.settings import TLS_VERSIONS, WebConfig
from tests.fuzz.target import CANARY, Target, keeps_secret, require


@cache
def place() -> Path:
    """A file that is written anew for each input, and whose folder has PEM files that hold anything."""
    folder = Path(tempfile.mkdtemp())
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (folder / name).write_text(f"-----BEGIN CERTIFICATE-----\n{CANARY}\n-----END CERTIFICATE-----\n")
    return folder / "web.yml"


def check(held: bytes) -> None:
    """The first byte chooses how far the file is taken: to what it says, or to the TLS context as well."""
    kind, content = held[:1], held[1:]
    place().write_bytes(content)
    source = str(place())
    try:
        config = parse_web_config(read_text(source), source) if kind != b"A" else load_web_access(source).config
    except ConfigError as error:
        line = str(error)
        require(
            line.isprintable() and line.startswith(str(place().parent)) and len(line) < 700, f"no clear line: {line!r}"
        )
        keeps_secret(line)
        return
    _sound(config, content)


def _sound(config: WebConfig, content: bytes) -> None:
    """Nothing is half set, nothing can be put into a header that ends it, and no hash prints itself."""
    if config.tls is not None:
        versions = [TLS_VERSIONS.index(each) for each in (config.tls.min_version, config.tls.max_version)]
        require(versions == sorted(versions), "versions the wrong way round")
        require(
            (config.tls.client_ca is None) == (config.tls.client_auth_type == "NoClientCert"), "half a client check"
        )
    for name, value in config.headers:
        require(name.isascii() and value.isprintable(), f"a header that breaks an answer: {name}")
    for user, hashed in config.users.items():
        text = hashed.reveal()
        require(":" not in user and COST_MIN <= int(text[4:6]) <= COST_MAX, "a user who cannot log in")
        require(text not in repr(config), "a hash that prints itself")
    if b"tls_server_config" not in content:
        require(config.tls is None, "TLS that nobody asked for")


_HASH = b"$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

TARGET = Target(
    "webconfig",
    "a web configuration is taken whole, or refused in one clear line that holds no password, hash or key",
    check,
    words=(
        *(b"tls_server_config:\n", b"  cert_file: cert.pem\n", b"  key_file: key.pem\n", b"  client_ca_file: ca.pem\n"),
        *(b"  client_auth_type: RequireAndVerifyClientCert\n", b"  min_version: TLS12\n", b"  max_version: TLS13\n"),
        *(
            b"  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
            b"  curve_preferences: [X25519]\n",
            b"  cert: |\n",
        ),
        *(
            b"basic_auth_users:\n",
            b"  alice: " + _HASH + b"\n",
            b"http_server_config:\n",
            b"  headers:\n",
            b"  http2: true\n",
        ),
        *(
            b"    X-Frame-Options: deny\n",
            b"    Strict-Transport-Security: ",
            b"rate_limit: {interval: 1s, burst: 5}\n",
        ),
        *(b"-----BEGIN PRIVATE KEY-----", b"null", b'""', b"\\r\\n", b"&a ", b"*a", b"$2y$31$", CANARY.encode()),
    ),
    quick=100,
)
