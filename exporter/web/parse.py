"""The text of a web configuration file as a `WebConfig`: strict, pure, and without the files that it names."""

import re
from collections.abc import Collection
from types import MappingProxyType
from typing import Any

from exporter.config.cursor import Cursor
from exporter.config.keys import Key
from exporter.config.nodes import MapNode, Scalar, compose
from exporter.config.problem import ConfigError, named
from exporter.config.section import known_entries, read_values
from exporter.secret import Secret
from exporter.web import keys
from exporter.web.kinds import is_blank
from exporter.web.parse_tls import read_tls
from exporter.web.settings import RequestRate, WebConfig

COST_MIN, COST_MAX = 4, 14
"""bcrypt's cost. Each step doubles the time of one login; 14 takes a second or two, in which a scrape waits."""

USERS = 1000
"""More users than so many are not what a file is for."""

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


def parse_web_config(text: str, source: str) -> WebConfig:
    """The configuration in `text`, the content of the file called `source`. An empty file asks for nothing.

    Raises ConfigError, whose text is one line with file, line and key, and holds no password, hash or private key.
    """
    root = compose(text, source)
    if root is None or (isinstance(root, Scalar) and root.tag == "null"):
        return WebConfig(source=source)
    if not isinstance(root, MapNode):
        raise ConfigError("expected a mapping with `tls_server_config` and others", source=source, line=root.line)
    entries = known_entries(Cursor(root, source), keys.SECTIONS)
    given = {name: at for name, at in entries.items() if name == "tls_server_config" or not is_blank(at)}
    http = _given(given["http_server_config"], keys.HTTP) if "http_server_config" in given else {}
    users = _users(given["basic_auth_users"]) if "basic_auth_users" in given else {}
    return WebConfig(
        tls=read_tls(given["tls_server_config"]) if "tls_server_config" in given else None,
        rate_limit=_rate(given["rate_limit"]) if "rate_limit" in given else None,
        users=MappingProxyType(users),
        source=source,
        **http,
    )


def _given(at: Cursor, known: Collection[Key]) -> dict[str, Any]:
    """The values of a section by name. What is blank is as if it were not there."""
    entries = known_entries(at, [key.name for key in known])
    return read_values({name: value for name, value in entries.items() if not is_blank(value)}, known)


def _users(at: Cursor) -> dict[str, Secret]:
    entries = at.entries()
    if len(entries) > USERS:
        raise at.fail(f"expected at most {USERS} users, got {len(entries)}")
    return {name: _hash(at, name, value) for name, value in entries.items()}


def _hash(users: Cursor, name: str, at: Cursor) -> Secret:
    """The hash of one user. Nothing of what stands here is repeated: it may be a password."""
    user = f"{named(name)}: "
    if ":" in name:
        raise users.fail(user + "a user's name cannot hold a colon", line=at.key_line)
    if not isinstance(at.node, Scalar):
        raise users.fail(user + "expected a bcrypt hash", line=at.node.line)
    match = _HASH.fullmatch(at.node.text)
    if match is None:
        problem = "expected a bcrypt hash, such as `htpasswd -nBC 10 USER` prints; it begins with $2y$, $2b$ or $2a$"
        raise users.fail(user + problem, line=at.node.line)
    if not COST_MIN <= int(match[1]) <= COST_MAX:
        problem = f"expected a hash of a cost from {COST_MIN} to {COST_MAX}, got {int(match[1])}"
        raise users.fail(user + problem, line=at.node.line)
    return Secret(at.node.text)


def _rate(at: Cursor) -> RequestRate | None:
    values = {"interval": 0.0, "burst": 0, **_given(at, keys.RATE)}
    if not values["interval"]:
        return None
    if not values["burst"]:
        raise at.fail("`burst` is 0, so that every request would be refused; expected 1 or more")
    return RequestRate(**values)
