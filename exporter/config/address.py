"""Addresses: the account's base URL, where to listen, and the paths and URLs of the web flags.

Every function raises ValueError with what is expected and without repeating the value: a URL may hold a password.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

PROBE_PATH = "/probe"
"""Where the metrics of one account are."""

SD_PATH = "/sd"
"""Where Prometheus finds out which accounts there are."""

_NAME = re.compile(r"(?!-)[0-9A-Za-z_-]{1,63}(?<!-)(\.(?!-)[0-9A-Za-z_-]{1,63}(?<!-))*\.?")
_PORT = re.compile(r"[0-9]{1,5}")
_HOST = re.compile(r"(\[[^][]*\]|[^][:]*)(?::([0-9]{1,5}))?")
_PATH = re.compile(r"(/[0-9A-Za-z_.~-]+)+")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen. An empty `host` means every interface; port 0 any free port."""

    host: str
    port: int


def parse_listen_address(text: str) -> ListenAddress:
    """`:10940`, `host:port` or `[::1]:port` as a value."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    valid = _is_ip(bare, 6) if bracketed else (not bare or _is_host_name(bare))
    if not colon or not valid or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError("expected HOST:PORT, :PORT or [IPv6]:PORT with a port from 0 to 65535")
    return ListenAddress(bare, int(port))


def parse_base_url(text: str) -> str:
    """The base URL of an API: scheme, host and port, without the `/v1` and the slash that people copy along.

    Only https, or http for this machine itself: a token must not travel in the clear.
    """
    parts = _split(text)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("http would send the token in the clear; use https (http is for localhost alone)")
    if parts.path.rstrip("/") not in {"", "/v1"}:
        raise ValueError("expected no path after the host; /v1 is added to every call")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_redis_url(text: str) -> str:
    """`redis://` or `rediss://` with host, port (6379) and number of the database (0), all of it written out."""
    known = text.startswith(("redis://", "rediss://"))
    # What holds for the host of a web server holds for this one.
    parts = _split(text.replace("redis", "http", 1)) if known else None
    if parts is None:
        raise ValueError("expected a URL that starts with redis:// or rediss://")
    database = parts.path.removeprefix("/") or "0"
    if not re.fullmatch(r"[0-9]{1,5}", database):
        raise ValueError("expected the number of a database, or nothing, after the host")
    scheme = "rediss" if parts.scheme == "https" else "redis"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{scheme}://{host}:{parts.port or 6379}/{int(database)}"


def parse_external_url(text: str) -> str:
    """The URL under which people reach the exporter, without a slash at its end."""
    parts = _split(text)
    path = parts.path.rstrip("/")
    if path and not _PATH.fullmatch(path):
        raise ValueError("expected a path of letters, digits and _ . ~ - after the host")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def parse_host(text: str) -> str:
    """What a client calls the exporter in its Host header: `name`, `name:port` or `[::1]:port`, in lower case."""
    found = _HOST.fullmatch(text)
    host, port = found.groups() if found else ("", None)
    valid = _is_ip(host[1:-1], 6) if host.startswith("[") else _is_host_name(host)
    if not valid or (port is not None and not 0 < int(port) <= 65535):
        raise ValueError("expected a Host of a name or address, and a port from 1 to 65535 if any")
    return text.lower()


def parse_telemetry_path(text: str) -> str:
    """The path of the metrics: not `/`, `PROBE_PATH`, `SD_PATH` nor below `/-/`, where other pages are."""
    taken = text in {PROBE_PATH, SD_PATH} or text.startswith("/-/")
    if taken or not _PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise ValueError(
            "expected a path such as /metrics: letters, digits and _ . ~ -, "
            f"neither / nor {PROBE_PATH} nor {SD_PATH} nor below /-/"
        )
    return text


def _split(text: str) -> SplitResult:
    """The parts of an http or https URL that has a host and neither user, query nor fragment."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("expected a URL such as https://api.integrator.io") from None
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("expected a URL of plain ASCII characters without blanks")
    if parts.scheme not in {"http", "https"}:
        raise ValueError("expected a URL that starts with https://")
    if "@" in parts.netloc:
        raise ValueError("expected a URL without user and password")
    if "?" in text or "#" in text:
        raise ValueError("expected a URL without `?` and `#`")
    host = parts.hostname or ""
    if not (_is_ip(host, 6) if parts.netloc.startswith("[") else _is_host_name(host)):
        raise ValueError("expected a host name or address after https://")
    if not _has_good_port(parts):
        raise ValueError("expected a port from 1 to 65535 after the host")
    return parts


def _has_good_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        return False


def _is_host_name(text: str) -> bool:
    return len(text) <= 253 and _NAME.fullmatch(text) is not None


def _is_ip(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version and "%" not in text
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host in {"localhost", "localhost."}:
        return True
    return (_is_ip(host, 4) or _is_ip(host, 6)) and ipaddress.ip_address(host).is_loopback
