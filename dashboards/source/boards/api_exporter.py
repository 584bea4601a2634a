"""The exporter itself on the board about the API: its collectors, its budget, and what it serves."""

from dashboards.source.field import Field, above, drawn, told_apart
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, BLUE, CALM, GOOD, GREEN, UNKNOWN, WARNING
from dashboards.source.panels import bars, lines, timeline
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_ACCOUNT
from dashboards.source.tables import Column, table_of

_BY = "by (account, environment, collector)"


def _of_collector(name: str) -> str:
    return f"max {_BY} (celigo_exporter_collector_{name}{{@account}})"


def _in_an_hour(counter: str) -> str:
    return f"max {_BY} (sum without (reason) (increase({counter}{{@account}}[1h])))"


_AGE = f"(time() - {_of_collector('last_success_timestamp_seconds')})"
_ENDS = {"0": ("failed", BAD), "1": ("succeeded", CALM)}
_COLLECTORS = table_of(
    "Collectors now, and in the last hour",
    "The newest run of each collector, its last success in seconds and in its own intervals (beyond "
    "%{stale_intervals} an alert comes after %{stale_for}), what the newest run cost, and in the last hour: failed "
    "runs, rows that could not be read, and lists that were cut, so that numbers are lower bounds. From "
    "celigo_exporter_collector_* and its kin.",
    [
        _of_collector("success"),
        _AGE,
        f"{_AGE} / {_of_collector('interval_seconds')}",
        _of_collector("interval_seconds"),
        _of_collector("duration_seconds"),
        _of_collector("requests"),
        _in_an_hour("celigo_exporter_collector_errors_total"),
        _in_an_hour("celigo_exporter_rows_rejected_total"),
        f"max {_BY} (increase(celigo_exporter_truncated_lists_total{{@account}}[1h]))",
        f"max {_BY} (celigo_exporter_collector_disabled{{@account}})",
    ],
    [
        Column("account", "Account", width=120),
        Column("collector", "Collector"),
        Column("Value #A", "Newest run", Field(states=_ENDS), width=100, filled=True),
        Column("Value #B", "Success", Field("s", 0), width=85),
        Column(
            "Value #C",
            "Intervals ago",
            Field("short", 1, above((limit("stale_intervals"), WARNING), base=CALM)),
            width=105,
            filled=True,
        ),
        Column("Value #D", "Every", Field("s", 0), width=70),
        Column("Value #E", "Took", Field("s", 1), width=75),
        Column("Value #F", "Calls", Field("short", 0), width=65),
        Column("Value #G", "Failed", Field("short", 0, above((1, WARNING), base=CALM)), width=65, filled=True),
        Column("Value #H", "Rejected", Field("short", 0, above((1, WARNING), base=CALM)), width=80, filled=True),
        Column("Value #I", "Cut", Field("short", 0, above((1, WARNING), base=CALM)), width=55, filled=True),
        Column("Value #J", "Access", Field(states={"1": ("refused", WARNING)}), width=80),
    ],
    size=(16, 11),
    none="No collector has run yet",
    sort="Intervals ago",
)
_BY_COST = ("inventory", "errors", "jobs", "history", "connections", "governance", "agents", "schedules", "health")
_DURATIONS = lines(
    "How long do collectors take?",
    "How long the newest run of each collector took, of several accounts the longest. A run that takes longer than its "
    "interval makes what it tells older. From celigo_exporter_collector_duration_seconds.",
    [Query("max by (collector) (celigo_exporter_collector_duration_seconds{@account})", "{{collector}}")],
    Field("s"),
    size=(8, 11),
    overrides=told_apart(_BY_COST),
)
COLLECTORS = [_COLLECTORS, _DURATIONS]

_WAITS = {"our own budget": ("budget", WARNING), "Retry-After": ("retry_after", BAD)}
_CACHED = {
    "asked (miss)": ("miss", BLUE),
    "kept (hit)": ("hit", GOOD),
    "joined (shared)": ("shared", GREEN),
    "old (stale)": ("stale", WARNING),
}
BUDGET = [
    lines(
        "How many calls wait, and why?",
        "Calls that waited on average: for the exporter's own budget (rate_limit), or because integrator.io asked for "
        "it. An alert comes above %{budget_wait_ratio.percent} for %{budget_for}. From "
        "celigo_api_rate_limit_wait_seconds_total.",
        [
            Query(
                f"sum(max {BY_ACCOUNT} (rate(celigo_api_rate_limit_wait_seconds_total"
                f'{{@account, reason="{reason}"}}[$__rate_interval])))',
                name,
            )
            for name, (reason, _) in _WAITS.items()
        ],
        Field("short", 2, above((limit("budget_wait_ratio"), WARNING))),
        size=(12, 8),
        overrides=[drawn(name, colour) for name, (_, colour) in _WAITS.items()],
    ),
    lines(
        "How much does the cache save?",
        "Share of look-ups by how they were answered: by asking integrator.io, from what was kept, by joining a call "
        "that was under way, or with something old because asking failed. From celigo_api_cache_requests_total.",
        [
            Query(
                f'sum(rate(celigo_api_cache_requests_total{{@account, result="{result}"}}[$__rate_interval])) '
                "/ (sum(rate(celigo_api_cache_requests_total{@account}[$__rate_interval])) > 0)",
                name,
            )
            for name, (result, _) in _CACHED.items()
        ],
        Field("percentunit", most=1),
        size=(12, 8),
        stacked=True,
        overrides=[drawn(name, colour) for name, (_, colour) in _CACHED.items()],
    ),
]

_ACCOUNTS = table_of(
    "Accounts: how far has each been read?",
    "For each account: whether it answers, how much of the history before the first sight and of what ran since the "
    "last reading has been read, up to how long ago runs are counted, how old the newest part of what is served is, "
    "calls left in the budget, and runs of a day whose end nobody knows. From celigo_exporter_backfill_ratio, "
    "celigo_exporter_catch_up_ratio, celigo_exporter_watermark_timestamp_seconds and celigo_runs_unknown_total.",
    [
        f"max {BY_ACCOUNT} (celigo_up{{@account}})",
        f"min {BY_ACCOUNT} (celigo_exporter_backfill_ratio{{@account}})",
        f"min {BY_ACCOUNT} (celigo_exporter_catch_up_ratio{{@account}})",
        f"time() - max {BY_ACCOUNT} (celigo_exporter_watermark_timestamp_seconds{{@account}})",
        f"time() - max {BY_ACCOUNT} (celigo_exporter_snapshot_timestamp_seconds{{@account}})",
        f"min {BY_ACCOUNT} (celigo_api_rate_limit_tokens{{@account}})",
        f"sum {BY_ACCOUNT} (max by (account, environment, type) (increase(celigo_runs_unknown_total{{@account}}[1d])))",
    ],
    [
        Column("account", "Account"),
        Column("environment", "Environment", width=120),
        Column("Value #A", "Answers", Field(states={"0": ("no", BAD), "1": ("yes", CALM)}), width=80, filled=True),
        Column("Value #B", "History read", Field("percentunit", 0), width=100),
        Column("Value #C", "Gap read", Field("percentunit", 0), width=85),
        Column("Value #D", "Runs up to", Field("s", 0), width=95),
        Column("Value #E", "Newest part", Field("s", 0), width=100),
        Column("Value #F", "Calls left", Field("short", 0), width=85),
        Column("Value #G", "Lost runs", Field("short", 0, above((1, WARNING), base=CALM)), width=85, filled=True),
    ],
    size=(12, 7),
    none="No account is known",
    sort="Runs up to",
)
_JOB = '{job=~"%{job}"}'
_ONE = "by (job, instance)"
_INSTANCES = table_of(
    "Exporters: which one, and how large?",
    "For each exporter that Prometheus scrapes: its version and Python, whether it answers, how long a scrape takes "
    "and how many samples it brings, the size of its state file, and writes of it that failed in an hour. From up, "
    "scrape_duration_seconds, scrape_samples_scraped, celigo_exporter_build_info and celigo_exporter_state_*.",
    [
        (
            f"max {_ONE} (up{_JOB}) + on (job, instance) group_left (version, revision, python_version) "
            f"0 * max by (job, instance, version, revision, python_version) (celigo_exporter_build_info{_JOB}) "
            f"or on (job, instance) max {_ONE} (up{_JOB})"
        ),
        f"max {_ONE} (scrape_duration_seconds{_JOB})",
        f"max {_ONE} (scrape_samples_scraped{_JOB})",
        f"max {_ONE} (celigo_exporter_state_size_bytes{_JOB})",
        f"sum {_ONE} (increase(celigo_exporter_state_failures_total{_JOB}[1h]))",
    ],
    [
        Column("instance", "Exporter"),
        Column("version", "Version", width=80),
        Column("revision", "Revision", width=90),
        Column("python_version", "Python", width=75),
        Column("Value #A", "Scraped", Field(states={"0": ("no", BAD), "1": ("yes", CALM)}), width=80, filled=True),
        Column("Value #B", "Took", Field("s", 2), width=80),
        Column("Value #C", "Samples", Field("short", 0), width=80),
        Column("Value #D", "State", Field("bytes", 0), width=80),
        Column("Value #E", "Failed", Field("short", 0, above((1, WARNING), base=CALM)), width=70, filled=True),
    ],
    size=(12, 7),
    none="Prometheus has no target of this job",
    sort="Scraped",
    ascending=True,
)
SERVED = [
    _ACCOUNTS,
    _INSTANCES,
    bars(
        "Which families are largest?",
        "The 15 families with the most series, without celigo_ before their names: what filters or a smaller profile "
        "would save. limits.series bounds them. From celigo_exporter_series; needs profile standard.",
        [
            now(
                "sort_desc(label_replace(topk(15, sum by (family) (max by (account, environment, family) "
                '(celigo_exporter_series{@account}))), "family", "$1", "family", "celigo_(.+)"))',
                "{{family}}",
            )
        ],
        Field("short", 0, colour=GOOD),
        size=(7, 11),
    ),
    table_of(
        "What was left out in an hour?",
        "Series that were left out in the last hour, by family: because of limits.series (series_cap), or because a "
        "label had too many values (label_bound), which are counted as one. Each reading counts them anew. Normal: "
        "none. From celigo_exporter_series_dropped_total.",
        [
            (
                "sum by (family, reason) (max by (account, environment, family, reason) "
                "(increase(celigo_exporter_series_dropped_total{@account}[1h]))) > 0"
            )
        ],
        [
            Column("family", "Family"),
            Column("reason", "Reason", width=100),
            Column("Value", "Series", Field("short", 0), width=70),
        ],
        size=(5, 11),
        none="Nothing was left out",
        sort="Series",
    ),
    bars(
        "How much is held in memory?",
        "Objects of the accounts that the exporter holds, by kind. From celigo_exporter_objects.",
        [
            now(
                "sort_desc(sum by (kind) (max by (account, environment, kind) (celigo_exporter_objects{@account})))",
                "{{kind}}",
            )
        ],
        Field("short", 0, colour=GOOD),
        size=(6, 11),
    ),
    timeline(
        "Are closed calls open to us?",
        "Calls that not every account may make: answered, or refused as of the newest try; of several accounts the "
        "worst. What is refused is missing on the other boards, and nothing fails. From "
        "celigo_exporter_endpoint_available.",
        [
            Query(
                'min by (call) (label_replace(celigo_exporter_endpoint_available{@account}, "call", "$1", '
                '"endpoint", "/v1/(.+)"))',
                "{{call}}",
            )
        ],
        Field(states={"0": ("refused", UNKNOWN), "1": ("answered", GOOD)}),
        size=(6, 11),
    ),
]
