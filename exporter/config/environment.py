"""One account from environment variables, for when there is no settings file."""

from collections.abc import Mapping
from typing import Any

from exporter.config.accounts import region_of
from exporter.config.address import parse_base_url, parse_redis_url
from exporter.config.cursor import Cursor
from exporter.config.keys import ACCOUNT
from exporter.config.nodes import Scalar
from exporter.config.problem import ConfigError
from exporter.config.settings import REGIONS, Account, RedisSettings, StateSettings, TokenSource
from exporter.config.token_place import may_be_token, token_problem

TOKEN = "CELIGO_API_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE = "CELIGO_API_TOKEN_FILE"  # noqa: S105 - the name of a variable
REGION = "CELIGO_REGION"
BASE_URL = "CELIGO_BASE_URL"
ACCOUNT_NAME = "CELIGO_ACCOUNT"
ENVIRONMENT = "CELIGO_ENVIRONMENT"
STATE_PATH = "CELIGO_STATE_PATH"
STATE_URL = "CELIGO_STATE_URL"
STATE_PASSWORD = "CELIGO_STATE_PASSWORD"  # noqa: S105 - the name of a variable

DEFAULT_NAME = "default"

VARIABLES: Mapping[str, str] = {
    TOKEN: "The API token. Exactly one of this and the next one is needed.",
    TOKEN_FILE: "A file with the API token; read again when it changes.",
    REGION: f"One of {', '.join(f'`{region}`' for region in REGIONS)}. Default: `us`.",
    BASE_URL: "Any other host, instead of a region: `https://...`.",
    ACCOUNT_NAME: f"The `account` label. Default: `{DEFAULT_NAME}`.",
    ENVIRONMENT: "The `environment` label. Default: `production`.",
    STATE_PATH: "SQLite file that keeps the counters over restarts. Default: none, so that they start anew.",
    STATE_URL: "Redis or Valkey that several replicas share, instead of the file: `redis://...` or `rediss://...`.",
    STATE_PASSWORD: "Its password, if it has one.",
}
"""Every variable and its meaning. An empty one counts as not set, as usual in container definitions."""


def account_from_environment(environ: Mapping[str, str]) -> Account:
    """The account that the variables describe.

    Raises ConfigError: no token or two, region and base URL together, a value that is not valid.
    """
    given = {name: environ[name] for name in VARIABLES if environ.get(name)}
    labels: dict[str, Any] = {
        "name": _label(ACCOUNT_NAME, "name", given.get(ACCOUNT_NAME, DEFAULT_NAME)),
        **({"environment": _label(ENVIRONMENT, "environment", given[ENVIRONMENT])} if ENVIRONMENT in given else {}),
    }
    token = _token(given)
    if problem := token_problem(token, environ):
        raise _fail(problem, TOKEN_FILE if token.file else TOKEN)
    return Account(token=token, **labels, **_host(given))


def state_from_environment(environ: Mapping[str, str]) -> StateSettings:
    """Where the variables keep the state. Raises ConfigError for what can be no path or URL, and for both."""
    path = environ.get(STATE_PATH)
    if path and environ.get(STATE_URL):
        raise _fail(f"{STATE_PATH} and {STATE_URL} exclude each other; set one of them")
    if environ.get(STATE_URL):
        return StateSettings(redis=_redis(environ))
    if path and (not path.isprintable() or path.endswith("/")):
        raise _fail("expected the path of a file", STATE_PATH)
    return StateSettings(path or None)


def _redis(environ: Mapping[str, str]) -> RedisSettings:
    try:
        url = parse_redis_url(environ[STATE_URL])
    except ValueError as error:
        raise _fail(str(error), STATE_URL) from None
    return RedisSettings(url, password=TokenSource(env=STATE_PASSWORD) if environ.get(STATE_PASSWORD) else None)


def _token(given: Mapping[str, str]) -> TokenSource:
    if TOKEN in given and TOKEN_FILE in given:
        raise _fail(f"{TOKEN} and {TOKEN_FILE} exclude each other; set one of them")
    if TOKEN in given:
        return TokenSource(env=TOKEN)
    if TOKEN_FILE not in given:
        raise ConfigError(f"no account: set {TOKEN} or {TOKEN_FILE}, or name a file with --config.file")
    path = given[TOKEN_FILE]
    if may_be_token(path):
        raise _fail(f"this looks like the token itself; name a file, or use {TOKEN}", TOKEN_FILE)
    if not path.isprintable():
        raise _fail("expected the path of a file with the token", TOKEN_FILE)
    return TokenSource(file=path)


def _host(given: Mapping[str, str]) -> dict[str, Any]:
    if REGION in given and BASE_URL in given:
        raise _fail(f"{REGION} and {BASE_URL} exclude each other; set one of them")
    if BASE_URL in given:
        try:
            url = parse_base_url(given[BASE_URL])
        except ValueError as error:
            raise _fail(str(error), BASE_URL) from None
        return {"base_url": url, "region": region_of(url)}
    if REGION in given:
        region = _label(REGION, "region", given[REGION])
        return {"base_url": REGIONS[region], "region": region}
    return {}


def _label(variable: str, key: str, text: str) -> str:
    """`text` by the rules of `key` in the file."""
    kind = next(known.kind for known in ACCOUNT if known.name == key)
    try:
        value: str = kind.read(Cursor(Scalar(text, "str", 0), "environment", variable))
    except ConfigError as error:
        raise _fail(error.problem, variable) from None
    return value


def _fail(problem: str, variable: str = "") -> ConfigError:
    return ConfigError(problem, source="environment", key=variable)
