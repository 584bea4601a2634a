"""Every key of the settings file: its kind and meaning.

Reading, the effective configuration and the documentation are all made from these tables; the defaults stand in
`exporter.config.settings` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from exporter.config.kinds import (
    Kind,
    choice,
    duration,
    instant,
    key_prefix,
    label_text,
    listed,
    local_path,
    number,
    redis_url,
    size,
    switch,
    term,
    whole,
)
from exporter.config.patterns import pattern
from exporter.config.settings import (
    MIB,
    PROFILES,
    REGIONS,
    Collectors,
    CollectorSettings,
    ErrorsSettings,
    GovernanceSettings,
    HistorySettings,
    InventorySettings,
    JobsSettings,
)

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `name` is also the attribute of the settings value it ends up in."""

    name: str
    kind: Kind
    meaning: str


RATE_LIMIT = (
    Key("requests_per_second", number(0.01, 300), "Requests a second in the long run. The account itself has 300."),
    Key(
        "burst",
        whole(1, 1000),
        "Requests that may follow each other at once after a pause. The account itself has 1000.",
    ),
)

ACCOUNT = (
    Key("name", label_text(), "The `account` label. Each account has a name of its own."),
    Key("environment", label_text(), "The `environment` label."),
    Key("region", choice(REGIONS), "Where the account lives: a short name for its host."),
    Key(
        "token_expires",
        instant(),
        "When the token purges itself, as chosen at its creation; UTC unless it says otherwise.",
    ),
)
"""Keys that are one value each; `base_url`, `token_file`, `token_env` and `rate_limit` have rules of their own."""

COLLECTOR = (
    Key("enabled", switch(), "Whether this collector runs."),
    Key("interval", duration(1, DAY), "A scrape makes it read again when its values are older than this."),
    Key("timeout", duration(1, 3600), "How long one run may take. Not given: the interval, between 30s and 5m."),
    Key(
        "staleness",
        duration(1, 7 * DAY),
        "How long values are kept when reading fails. Not given: 3 intervals, at least 5m.",
    ),
)

INVENTORY = (
    *COLLECTOR,
    Key(
        "last_exports_per_run",
        whole(0, 10_000),
        "Delta flows asked for the position of their export in one run, at most, in turn; 0 for none.",
    ),
)

JOBS = (
    *COLLECTOR,
    Key(
        "overlap",
        duration(60, 7 * DAY),
        "How far back runs are listed every ten minutes, to see those that appear late.",
    ),
    Key("retention", duration(3600, 400 * DAY), "How long the account keeps runs. A gap is caught up no further back."),
    Key("retries_interval", duration(1, DAY), "How often retry jobs are listed."),
    Key("follow_per_run", whole(0, 1000), "Unfinished runs asked for one by one, at most, when no listing shows them."),
    Key(
        "step_flows",
        listed(term(), 0, 1000),
        "Flows, by id or exact name, whose finished runs are asked for the records of their steps: a request each.",
    ),
)

ERRORS = (
    *COLLECTOR,
    Key("flows_per_run", whole(0, 10_000), "Flows asked for the errors of their steps in one run, at most."),
    Key("steps_per_run", whole(0, 10_000), "Steps whose errors are read in one run, at most."),
    Key("pages_per_step", whole(1, 1000), "Pages of errors read of one step, at most."),
    Key("codes", whole(1, 1000), "Error codes kept apart, at most; rarer ones are counted as `other`."),
)

HISTORY = (
    *COLLECTOR,
    Key("depth", duration(0, 400 * DAY), "How far back runs are read once, for what is usual. Not past the retention."),
    Key("pages_per_run", whole(1, 10_000), "Pages of old runs read in one run, at most."),
)

GOVERNANCE = (
    *COLLECTOR,
    Key(
        "lists_interval",
        duration(1, 7 * DAY),
        "How often licences, their use and notifications are listed; the audit log is read in every run. What these "
        "lists tell is kept for 3 of their intervals when reading fails.",
    ),
)

_KEYS: Mapping[type[CollectorSettings], tuple[Key, ...]] = {
    CollectorSettings: COLLECTOR,
    InventorySettings: INVENTORY,
    JobsSettings: JOBS,
    ErrorsSettings: ERRORS,
    GovernanceSettings: GOVERNANCE,
    HistorySettings: HISTORY,
}

COLLECTORS: Mapping[str, tuple[Key, ...]] = {
    each.name: _KEYS[type(getattr(Collectors(), each.name))] for each in fields(Collectors)
}
"""The keys of each collector, by its name."""

LIMITS = (
    Key("pages", whole(1, 100_000), "Pages read of one listing. A longer one is cut and counted."),
    Key(
        "response_bytes",
        size(64 * 1024, 1024 * MIB),
        "Size of one answer after decompression. A larger one is an error.",
    ),
    Key("connect_timeout", duration(0.1, 300), "How long connecting may take."),
    Key("read_timeout", duration(0.1, 300), "How long an answer may pause."),
    Key("attempts", whole(1, 10), "How often a request is sent until it succeeds, the first time included."),
    Key("retry_after_max", duration(1, 3600), "Longest pause that is kept when the API asks for a longer one."),
    Key(
        "series",
        whole(2000, 10_000_000),
        "Series of one account, at most. Above it whole families are left out, the most detailed first.",
    ),
)

PROFILE = Key(
    "profile",
    choice(PROFILES),
    "How much is exported; each profile holds those before it. `lean` runs neither governance nor history.",
)

FILTERS = (
    Key("integrations", listed(term(), 0, 1000), "Integrations that are shown, by id or exact name; none given: all."),
    Key("enabled_only", switch(), "Whether only enabled flows are shown."),
)
"""Keys that are one value each; `flows` is a mapping of its own."""

FLOW_FILTER = (
    Key("include", listed(pattern(), 1, 100), "A flow is shown when one of these matches its whole name,"),
    Key("exclude", listed(pattern(), 0, 100), "and none of these does."),
)

MATCH = (
    Key("flow", term(), "Id or exact name of a flow."),
    Key("name", pattern(), "Matches the flow's whole name."),
    Key("integration", term(), "Id or exact name of the flow's integration."),
)

OWNER = (
    Key("team", label_text(), "The `team` label."),
    Key("tier", label_text(), "The `tier` label, such as gold."),
    Key("freshness", duration(1, 400 * DAY), "How old the flow's newest success may be."),
    Key("silence", duration(1, 400 * DAY), "How long the flow may go without a run when no schedule starts it."),
)

OWNERS = 1000
"""Entries of `ownership`, at most."""

STATE = (
    Key(
        "path",
        local_path(),
        "SQLite file that keeps the counters over restarts, on a local disk, relative to the settings file. For one "
        "exporter at a time. Not given: the counters live in memory and start anew.",
    ),
)

REDIS = (
    Key(
        "url",
        redis_url(),
        "Redis or Valkey that several replicas share, instead of `path`: `redis://HOST:PORT/DB`, or `rediss://` with "
        "TLS.",
    ),
    Key("username", label_text(), "Name of the ACL user."),
    Key("key_prefix", key_prefix(), "What every key begins with. Exporters with another prefix know nothing of these."),
    Key(
        "lease",
        duration(1, 300),
        "How long a replica that says nothing keeps the right to refresh an account. Another one takes over within two "
        "of these.",
    ),
    Key(
        "alone",
        switch(),
        "Whether the replica that refreshes an account goes on when it cannot reach Redis. Where only this replica is "
        "cut off, two of them then ask the API.",
    ),
    Key("ca_file", local_path(), "Certificate authority to trust, in PEM. Not given: those of the system."),
    Key("cert_file", local_path(), "The client's certificate in PEM, where the server asks for one; with `key_file`."),
    Key("key_file", local_path(), "The key of `cert_file`."),
)
"""Keys of `state` that go with `url`; `password_file` and `password_env` have rules of their own."""
