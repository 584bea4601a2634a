"""Section 1: what the exporter tells about itself and about its calls.

`celigo_up` and `celigo_health_check_success` are published by the health collector, all others by
`exporter.expose.self_metrics`. The order of definition is the order in the document.
"""

from exporter.expose.families import Metric

ITSELF = "the exporter itself"
CLIENT = "every call the exporter sends"
CONFIGURATION = "the configuration"

UP = Metric(
    "celigo_up",
    "gauge",
    "Whether the newest authorised probe succeeded (1) or failed (0).",
    "GET /v1/tokenInfo",
)
ACCOUNT_INFO = Metric(
    "celigo_account_info",
    "gauge",
    "The account and where it lives: the region of its host, other for a host of none. Always 1.",
    CONFIGURATION,
    ("region",),
)
HEALTH_CHECK_SUCCESS = Metric(
    "celigo_health_check_success",
    "gauge",
    "Whether the newest request of this kind succeeded (1) or failed (0); absent when none was sent lately.",
    CLIENT,
    ("check",),
)
API_REQUESTS_TOTAL = Metric(
    "celigo_api_requests_total",
    "counter",
    "Requests sent to integrator.io, retries included, by HTTP status; code is none when no response arrived.",
    CLIENT,
    ("endpoint", "method", "code"),
)
API_REQUEST_DURATION_SECONDS = Metric(
    "celigo_api_request_duration_seconds",
    "histogram",
    "Time from sending a request until its whole body was read.",
    CLIENT,
    ("endpoint", "method"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
API_ERRORS_TOTAL = Metric(
    "celigo_api_errors_total",
    "counter",
    "Failed attempts by type, each counted at once, whether or not a retry then succeeds.",
    CLIENT,
    ("endpoint", "type"),
)
API_RETRIES_TOTAL = Metric(
    "celigo_api_retries_total",
    "counter",
    "Attempts that were repeated, by the type of the failure before.",
    CLIENT,
    ("endpoint", "reason"),
)
API_RESPONSE_BYTES_TOTAL = Metric(
    "celigo_api_response_bytes_total",
    "counter",
    "Bytes of response bodies that were read, after decompression.",
    CLIENT,
    ("endpoint",),
    "standard",
)
API_CACHE_REQUESTS_TOTAL = Metric(
    "celigo_api_cache_requests_total",
    "counter",
    "Look-ups in the client's cache; shared means that the look-up joined a request already in flight.",
    "the client's cache",
    ("endpoint", "result"),
)
API_RATE_LIMIT_TOKENS = Metric(
    "celigo_api_rate_limit_tokens",
    "gauge",
    "Requests that the exporter's own budget for this account allows right now, in whole requests.",
    "the client's budget",
)
API_RATE_LIMIT_WAIT_SECONDS_TOTAL = Metric(
    "celigo_api_rate_limit_wait_seconds_total",
    "counter",
    "Time that requests waited for the exporter's own budget, or because a Retry-After asked for it.",
    "the client's budget",
    ("reason",),
)
API_TOKEN_EXPIRY_TIMESTAMP_SECONDS = Metric(
    "celigo_api_token_expiry_timestamp_seconds",
    "gauge",
    "When the API token purges itself, as configured in token_expires; absent when that is not set.",
    CONFIGURATION,
    tier="standard",
)
API_CLOCK_SKEW_SECONDS = Metric(
    "celigo_api_clock_skew_seconds",
    "gauge",
    "Local clock minus the server's; present only when the difference is surely over one second.",
    "the Date header of responses",
    tier="standard",
)
EXPORTER_COLLECTOR_SUCCESS = Metric(
    "celigo_exporter_collector_success",
    "gauge",
    "Whether the newest run of the collector succeeded (1) or failed (0); absent before the first run ended.",
    ITSELF,
    ("collector",),
)
EXPORTER_COLLECTOR_LAST_SUCCESS_TIMESTAMP_SECONDS = Metric(
    "celigo_exporter_collector_last_success_timestamp_seconds",
    "gauge",
    "When the collector last ended without a failure; absent before the first success.",
    ITSELF,
    ("collector",),
)
EXPORTER_COLLECTOR_INTERVAL_SECONDS = Metric(
    "celigo_exporter_collector_interval_seconds",
    "gauge",
    "Shortest time between two runs of the collector, so that one staleness rule fits all of them.",
    CONFIGURATION,
    ("collector",),
)
EXPORTER_COLLECTOR_DURATION_SECONDS = Metric(
    "celigo_exporter_collector_duration_seconds",
    "gauge",
    "How long the newest run of the collector took.",
    ITSELF,
    ("collector",),
)
EXPORTER_COLLECTOR_REQUESTS = Metric(
    "celigo_exporter_collector_requests",
    "gauge",
    "Requests that the newest run of the collector sent to integrator.io, retries included.",
    ITSELF,
    ("collector",),
)
EXPORTER_COLLECTOR_ERRORS_TOTAL = Metric(
    "celigo_exporter_collector_errors_total",
    "counter",
    "Failed runs of the collector by reason: a type of celigo_api_errors_total, internal, or render.",
    ITSELF,
    ("collector", "reason"),
)
EXPORTER_COLLECTOR_DISABLED = Metric(
    "celigo_exporter_collector_disabled",
    "gauge",
    "Present with value 1 while the collector runs only seldom, because the account refuses its listing.",
    ITSELF,
    ("collector", "reason"),
)
EXPORTER_ENDPOINT_AVAILABLE = Metric(
    "celigo_exporter_endpoint_available",
    "gauge",
    "Whether a call that not every account may make is answered (1) or refused (0), as of its newest try.",
    CLIENT,
    ("endpoint",),
)
EXPORTER_WATERMARK_TIMESTAMP_SECONDS = Metric(
    "celigo_exporter_watermark_timestamp_seconds",
    "gauge",
    "Everything that was created before this instant has been folded into the collector's counters.",
    ITSELF,
    ("collector",),
)
EXPORTER_CATCH_UP_RATIO = Metric(
    "celigo_exporter_catch_up_ratio",
    "gauge",
    "How much of the runs since the last reading has been read: 1 when nothing is left, less after a gap.",
    ITSELF,
)
EXPORTER_TRUNCATED_LISTS_TOTAL = Metric(
    "celigo_exporter_truncated_lists_total",
    "counter",
    "Listings that hit a page bound; numbers made from them are lower bounds.",
    ITSELF,
    ("collector",),
)
EXPORTER_ROWS_REJECTED_TOTAL = Metric(
    "celigo_exporter_rows_rejected_total",
    "counter",
    "Rows of listings that could not be read and were left out, by reason.",
    ITSELF,
    ("collector", "reason"),
)
EXPORTER_SERIES = Metric(
    "celigo_exporter_series",
    "gauge",
    "Series of this account in the served document, this family included.",
    ITSELF,
    ("family",),
    "standard",
)
EXPORTER_SERIES_DROPPED_TOTAL = Metric(
    "celigo_exporter_series_dropped_total",
    "counter",
    "Series left out because a bound on series or label values was reached.",
    ITSELF,
    ("family", "reason"),
)
EXPORTER_OBJECTS = Metric(
    "celigo_exporter_objects",
    "gauge",
    "Objects of this account held in memory, by kind.",
    ITSELF,
    ("kind",),
)
EXPORTER_SNAPSHOT_TIMESTAMP_SECONDS = Metric(
    "celigo_exporter_snapshot_timestamp_seconds",
    "gauge",
    "When the newest part of this account's served series was built.",
    ITSELF,
)
EXPORTER_BACKFILL_RATIO = Metric(
    "celigo_exporter_backfill_ratio",
    "gauge",
    "How much of the history before the first sight has been read, 0 to 1; 1 when there is nothing left to read.",
    "GET /v1/jobs",
    tier="standard",
)
EXPORTER_BUILD_INFO = Metric(
    "celigo_exporter_build_info",
    "gauge",
    "Which exporter this is: its version, its revision and the Python that runs it. Always 1.",
    ITSELF,
    ("version", "revision", "python_version"),
    scoped=False,
)
EXPORTER_STATE_PERSISTENT = Metric(
    "celigo_exporter_state_persistent",
    "gauge",
    "Whether everything counted would survive a restart (1) or is in memory only (0).",
    ITSELF,
    ("backend",),
    scoped=False,
)
EXPORTER_STATE_FAILURES_TOTAL = Metric(
    "celigo_exporter_state_failures_total",
    "counter",
    "Times that the state file could not be opened or written, by reason; absent without a state file.",
    ITSELF,
    ("reason",),
    scoped=False,
)
EXPORTER_STATE_SIZE_BYTES = Metric(
    "celigo_exporter_state_size_bytes",
    "gauge",
    "Size of the state file and its log; absent when there is none in use.",
    ITSELF,
    ("backend",),
    scoped=False,
)
EXPORTER_REPLICAS = Metric(
    "celigo_exporter_replicas",
    "gauge",
    "Replicas that share their accounts, as far as this one knows; absent without `state.url`.",
    ITSELF,
    scoped=False,
)
EXPORTER_REPLICA_ACCOUNTS = Metric(
    "celigo_exporter_replica_accounts",
    "gauge",
    "Accounts that this replica refreshes; absent without `state.url`.",
    ITSELF,
    scoped=False,
)
EXPORTER_REPLICA_TERMS_TOTAL = Metric(
    "celigo_exporter_replica_terms_total",
    "counter",
    "How often this replica began to refresh an account; absent without `state.url`.",
    ITSELF,
    scoped=False,
)
EXPORTER_REPLICA_LEADING = Metric(
    "celigo_exporter_replica_leading",
    "gauge",
    "Whether this replica refreshes the account (1) or another one may (0); absent without `state.url`.",
    ITSELF,
)
EXPORTER_CONFIG_LAST_RELOAD_SUCCESSFUL = Metric(
    "celigo_exporter_config_last_reload_successful",
    "gauge",
    "Whether the configuration that was read last is in effect (1) or was rejected, and the last good one stays (0).",
    ITSELF,
    scoped=False,
)
EXPORTER_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS = Metric(
    "celigo_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration was last read with success, at the start or later.",
    ITSELF,
    scoped=False,
)
EXPORTER_CONFIG_RELOADS_TOTAL = Metric(
    "celigo_exporter_config_reloads_total",
    "counter",
    "Reloads of the configuration, by outcome: applied, or rejected, which leaves the last good one in effect.",
    ITSELF,
    ("outcome",),
    scoped=False,
)
EXPORTER_WEB_CONFIG_LAST_RELOAD_SUCCESSFUL = Metric(
    "celigo_exporter_web_config_last_reload_successful",
    "gauge",
    "Whether the newest version of the web configuration is in use (1) or was refused (0); absent without one.",
    ITSELF,
    scoped=False,
)
EXPORTER_WEB_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS = Metric(
    "celigo_exporter_web_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the web configuration was last read and found good; absent without one.",
    ITSELF,
    scoped=False,
)
EXPORTER_WEB_REFUSALS_TOTAL = Metric(
    "celigo_exporter_web_refusals_total",
    "counter",
    "Connections and requests to the exporter that were turned away or given up, by reason.",
    ITSELF,
    ("reason",),
    scoped=False,
)

OWN: tuple[Metric, ...] = tuple(value for value in list(vars().values()) if isinstance(value, Metric))
"""Every metric of this section."""
