"""docs/configuration.md, made from the tables that reading the settings uses, so that it cannot say anything else.

`python -m exporter.config.reference docs` writes it; a test compares the committed file.
"""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from exporter.config.environment import VARIABLES
from exporter.config.keys import (
    ACCOUNT,
    COLLECTORS,
    FILTERS,
    FLOW_FILTER,
    LIMITS,
    MATCH,
    OWNER,
    PROFILE,
    RATE_LIMIT,
    REDIS,
    STATE,
    Key,
)
from exporter.config.settings import (
    REGIONS,
    Account,
    Collectors,
    CollectorSettings,
    Filters,
    FlowFilter,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
    RedisSettings,
    Settings,
    StateSettings,
    TokenSource,
)

FILE_NAME = "configuration.md"

_INTRODUCTION = """\
# Configuration

Made from the code by `make docs`; edit it there.

One account needs no file: set `CELIGO_API_TOKEN` and `CELIGO_REGION`. Several accounts, or other intervals and limits,
need a YAML file, named by `--config.file`. With a file the account variables of the environment are not looked at.

Unknown keys, values of the wrong type, a missing token and unreadable files end the program with exit status 2 and one
line that names file, line and key. `celigo-exporter config check` says so beforehand and prints what is in effect.

```yaml
accounts:
  - name: acme
    environment: production
    region: eu
    token_file: /run/secrets/acme
    rate_limit: {requests_per_second: 5, burst: 10}
  - name: acme-sandbox
    environment: sandbox
    region: eu
    token_env: ACME_SANDBOX_TOKEN
collectors:
  jobs: {interval: 60s, overlap: 2h}
  errors: {interval: 10m}
profile: standard
filters:
  integrations: ["Shop to ERP", 5f3a9c0e8b7d6a4f2e1c0b9a]
  flows: {exclude: ["(?i)test.*", ".* - copy"]}
  enabled_only: true
limits: {series: 500000, pages: 200, response_bytes: 64MiB}
state: {path: /var/lib/celigo-exporter/state.db}
ownership:
  - {match: {name: ".*invoices.*"}, team: finance, tier: gold, freshness: 1h}
  - {match: {integration: "Shop to ERP"}, team: commerce, tier: silver, freshness: 4h, silence: 1d}
```

Durations are whole numbers with units, largest first: `ms`, `s`, `m`, `h`, `d`, `w`, as in `90s` or `1h30m`. Sizes have
`B`, `KiB`, `MiB` or `GiB`. A number without a unit is refused for both. Switches are `true` or `false`.
"""

_URL_MEANING = (
    "Any other host, instead of `region`. Only https, except for this machine itself. `/v1` at its end is left out."
)
_FILE_MEANING = (
    "File that holds the token alone, relative to the settings file. Read again when it changes and after a 401."
)
_VARIABLE_MEANING = "Environment variable that holds the token. Exactly one of this and `token_file` is needed."
_KEPT_IN_FILE = "File that holds the password alone, relative to the settings file. Read again for each connection."
_BUDGET_MEANING = "The exporter's own budget for this account; see below."

_PROFILES = """\
`lean` has health, inventory, the runs of integrations, open errors by flow and what runs now; `standard` adds
counters and last runs of each flow, breakdowns of errors and ownership; `full` is everything.
[metrics.md](metrics.md) names the profile of each family and how many series it has. With `lean`, errors are not read
below the counts of each flow.
"""

_FILTERS = """\
Filters choose what is shown, not what is counted: numbers of an integration are always about all of its flows. A
series with a `flow_id` is there only when its flow is shown, one with an `integration_id` only when its integration
is one of `integrations`, the info of a step only when a shown flow has the step. Account totals, connections and
agents are not filtered. `none` and `Standalone flows` name the flows outside any integration. What is shown follows
from the newest inventory; while that is unknown, nothing of flows and integrations is. Open errors are asked for only
where something is shown, so `celigo_open_errors_by_code` and the breakdowns cover the shown flows, and
`celigo_open_errors_sampled_ratio` says how much of what was counted that is.

A pattern is a Python regular expression that must match the whole name, of which it sees the first 200 characters;
`.` matches line ends too. Groups are `(...)` and `(?:...)`, and `(?i)` at the start ignores case. So that no name can
keep the exporter busy, a pattern that may be laid over a name in too many ways is refused: one that repeats what is
itself repeated or has alternatives, as in `(a+)+` or `(a|b)*`, and one with more than three of `*` and `+` in a row.
"""

_OWNERSHIP = """\
Entries by flow id, name or integration; at most 1000. The first one that matches a flow is the flow's only one, so
the special ones come first. At least one of the keys besides `match` is needed; `team` and `tier` are empty when not
given. `freshness` becomes `celigo_flow_slo_freshness_seconds`: how old the flow's newest delivery may be, a completed
run of which at most half the records failed. Less than two intervals of the schedule let a single failed run page.
`match` has exactly one key:
"""

_SERIES = """\
When an account has more than `series`, whole families are left out until the rest fits: first those of steps, then of
flows, then of connections, agents and integrations; among these `full` before `standard` before `lean`, and those at
the end of [metrics.md](metrics.md) first. One that was left out comes back when the rest stays 5 % below the limit
with it, so that none comes and goes with every run. Account totals and what the exporter tells of itself are never
left out; they can be up to about 1200 series. `celigo_exporter_series_dropped_total` with the reason `series_cap`
counts the series left out, each time that they were read anew.
"""

_OWN_RULES = (
    ("base_url", "URL", "of the region", _URL_MEANING),
    ("token_file", "path", "", _FILE_MEANING),
    ("token_env", "variable", "", _VARIABLE_MEANING),
    ("rate_limit", "mapping", "", _BUDGET_MEANING),
)


def configuration_page(root: click.Group) -> str:
    """The whole page; `root` is the command line whose flags it lists."""
    return "\n".join((_INTRODUCTION, *_file(), *_environment(), *_flags(root), *_ends())) + "\n"


def _file() -> Iterator[str]:
    yield "## The file\n\n### `accounts[]`\n"
    example = Account(name="", token=TokenSource())
    rows = [(key.name, _type(key), _default(key, example, key.name == "name"), key.meaning) for key in ACCOUNT]
    yield _table(("Key", "Type", "Default", "Meaning"), [*_code(rows[:3]), *_code(_OWN_RULES), *_code(rows[3:])])
    yield "Regions: " + ", ".join(f"`{region}` is {url}" for region, url in REGIONS.items()) + ".\n"
    yield from _section("accounts[].rate_limit", RATE_LIMIT, RateLimit())
    for name, keys in COLLECTORS.items():
        yield from _section(f"collectors.{name}", keys, getattr(Collectors(), name))
    yield from _choosing()
    yield from _section("limits", LIMITS, Limits())
    yield _SERIES
    yield from _state()


def _state() -> Iterator[str]:
    yield "### `state`\n"
    own = (
        ("password_file", "path", "", _KEPT_IN_FILE),
        ("password_env", "variable", "", "Environment variable that holds the password. Not both of these."),
    )
    path, shared, redis = STATE, REDIS, RedisSettings()
    rows = [(key.name, _type(key), _default(key, StateSettings()), key.meaning) for key in path]
    rows += [(key.name, _type(key), _default(key, redis), key.meaning) for key in shared]
    place = len(path) + 2
    yield _table(("Key", "Type", "Default", "Meaning"), [*_code(rows[:place]), *_code(own), *_code(rows[place:])])
    yield "[Replicas](replicas.md) tells what `url` is for.\n"


def _choosing() -> Iterator[str]:
    yield from _section("profile", (PROFILE,), Settings(accounts=()))
    yield _PROFILES
    yield from _section("filters", FILTERS, Filters())
    yield from _section("filters.flows", FLOW_FILTER, FlowFilter())
    yield _FILTERS
    yield from _section("ownership[]", OWNER, Owner(OwnershipMatch()))
    yield _OWNERSHIP
    yield from _section("ownership[].match", MATCH, OwnershipMatch())


def _section(title: str, keys: Collection[Key], defaults: object) -> Iterator[str]:
    yield f"### `{title}`\n"
    rows = [(key.name, _type(key), _default(key, defaults), key.meaning) for key in keys]
    yield _table(("Key", "Type", "Default", "Meaning"), _code(rows))


def _type(key: Key) -> str:
    return f"{key.kind.name}, {key.kind.bounds}" if key.kind.bounds else key.kind.name


def _default(key: Key, defaults: object, required: bool = False) -> str:
    if required:
        return "needed"
    value = getattr(defaults, key.name)
    if value is None and isinstance(defaults, CollectorSettings):
        value = {"timeout": defaults.deadline_seconds, "staleness": defaults.staleness_seconds}[key.name]
    return "" if value in {None, ""} else f"`{key.kind.write(value).strip(chr(34))}`"


def _environment() -> Iterator[str]:
    yield "## Environment variables\n\nRead when there is no settings file. An empty variable counts as not set.\n"
    yield _table(("Variable", "Meaning"), [(f"`{name}`", meaning) for name, meaning in VARIABLES.items()])
    yield (
        "With and without a file: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` for proxies and `REQUESTS_CA_BUNDLE` for a\n"
        "private certificate authority. TLS verification cannot be switched off.\n"
    )


def _flags(root: click.Group) -> Iterator[str]:
    yield "## Flags\n"
    for path, command in _commands(root, ()):
        options = [option for option in command.params if isinstance(option, click.Option)]
        yield f"### `{' '.join(path)}`\n\n{command.get_short_help_str(200)}\n"
        yield _table(("Flag", "Default", "Meaning"), [_flag(option) for option in options])


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _flag(option: click.Option) -> tuple[str, str, str]:
    default = option.default if isinstance(option.default, tuple) else (option.default,)
    words = option.type.choices if isinstance(option.type, click.Choice) else ()
    meaning = (option.help or "") + (f" One of {', '.join(f'`{word}`' for word in words)}." if words else "")
    shown = ", ".join(f"`{one}`" for one in default) if option.show_default else ""
    return f"`{option.opts[0]}`", shown, meaning


def _ends() -> Iterator[str]:
    yield "## Exit status\n"
    rows = (
        ("`0`", "done"),
        ("`1`", "what was asked for failed, such as a check"),
        ("`2`", "flags or settings are wrong, or a port is taken; one line says what"),
        ("`130`", "interrupted"),
        ("`141`", "whoever read the output went away"),
    )
    yield _table(("Status", "Meaning"), rows).rstrip("\n")


def _code(rows: Collection[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(f"`{row[0]}`", *row[1:]) for row in rows]


def _table(head: tuple[str, ...], rows: Collection[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def write(folder: Path) -> Path:
    """Write the page into `folder`; its path."""
    # The command line imports the settings, not the other way round, except to describe itself here.
    from exporter.cli import root

    path = folder / FILE_NAME
    path.write_text(configuration_page(root), encoding="utf-8")
    return path


if __name__ == "__main__":
    write(Path(sys.argv[1]))
