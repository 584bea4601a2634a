"""The section `state` of the settings file: a file, or a Redis with its password kept elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from exporter.config.cursor import Cursor
from exporter.config.keys import REDIS, STATE
from exporter.config.section import known_entries, read_values
from exporter.config.settings import RedisSettings, StateSettings, TokenSource
from exporter.config.token_place import is_variable_name, token_problem

_PASSWORD = ("password_file", "password_env")
_WITH_URL = (*(key.name for key in REDIS if key.name != "url"), *_PASSWORD)


def read_state(at: Cursor, environ: Mapping[str, str]) -> StateSettings:
    """The section at `at`. Raises ConfigError, also when a password is not where it says."""
    entries = known_entries(at, [*(key.name for key in STATE), "url", *_WITH_URL])
    if "path" in entries and "url" in entries:
        problem = "`path` and `url` exclude each other; give one of them"
        raise at.fail(problem, line=entries["url"].key_line)
    for key in _WITH_URL:
        if key in entries and "url" not in entries:
            raise at.fail(f"`{key}` goes with `url`, which is missing", line=entries[key].key_line)
    if "url" not in entries:
        return StateSettings(**read_values(entries, STATE))
    for name, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if name in entries and other not in entries:
            raise at.fail(f"`{name}` goes with `{other}`, which is missing", line=entries[name].key_line)
    password = _password(at, entries, environ)
    if "username" in entries and password is None:
        raise at.fail("`username` goes with `password_file` or `password_env`", line=entries["username"].key_line)
    return StateSettings(redis=RedisSettings(password=password, **read_values(entries, REDIS)))


def _password(at: Cursor, entries: Mapping[str, Cursor], environ: Mapping[str, str]) -> TokenSource | None:
    given = [name for name in _PASSWORD if name in entries]
    if len(given) > 1:
        problem = "`password_file` and `password_env` exclude each other; give one of them"
        raise at.fail(problem, line=entries[given[1]].key_line)
    if not given:
        return None
    place = entries[given[0]]
    password = _file(place) if given[0] == "password_file" else _variable(place)
    if wrong := token_problem(password, environ):
        raise place.fail(wrong.replace("token", "password"))
    return password


def _file(at: Cursor) -> TokenSource:
    path = at.scalar("the path of a file with the password").text
    if not path or not path.isprintable():
        raise at.fail("expected the path of a file with the password")
    return TokenSource(file=str(Path(at.source).absolute().parent / path))


def _variable(at: Cursor) -> TokenSource:
    name = at.scalar("the name of an environment variable").text
    if not is_variable_name(name):
        raise at.fail("expected the name of an environment variable: letters, digits and _, no digit first")
    return TokenSource(env=name)
