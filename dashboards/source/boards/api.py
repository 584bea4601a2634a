"""API and exporter: whether integrator.io answers, and whether what the exporter tells can be trusted."""

from dashboards.source import annotations, variables
from dashboards.source.board import Board, Row
from dashboards.source.boards.api_calls import BY_ENDPOINT, CALLS, ERRORS, HEALTH, LATENCY, P95
from dashboards.source.boards.api_exporter import BUDGET, COLLECTORS, SERVED
from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, CALM, UNKNOWN, WARNING
from dashboards.source.panels import Placed, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_ACCOUNT, known_zero

_SIZE, _NARROW = (4, 3), (3, 3)
_REQUESTS = f"sum {BY_ACCOUNT} (rate(celigo_api_requests_total{{@account}}[10m])) > 0"


def _share(title: str, about: str, part: str, threshold: str, colour: str) -> Placed:
    """The share of an account's calls, of the account where it is highest."""
    query = Query(f"max(sum {BY_ACCOUNT} (rate({part}[10m])) / ({_REQUESTS}) or 0 * ({_REQUESTS}))")
    field = Field("percentunit", 1, above((limit(threshold), colour), base=CALM), none="no calls")
    return number(title, about, query, field, size=_SIZE, trend=True)


_STATE = "celigo_exporter_state_persistent"
_TOP = [
    number(
        "Accounts that do not answer",
        "Accounts whose newest authorised call failed: nothing new is known of them. An alert pages after "
        "%{unreachable_for}. Normal: 0. From celigo_up.",
        now(known_zero(f"count(max {BY_ACCOUNT} (celigo_up{{@account}}) == 0)", "celigo_up{@account}")),
        Field(steps=above((1, BAD), base=CALM)),
        size=_SIZE,
    ),
    _share(
        "Calls that fail",
        "Share of the calls in 10 minutes that ended in 5xx, a time-out or without a connection, of the account where "
        "it is highest. An alert comes above %{api_errors_ratio.percent} for %{api_errors_for}. Normal: below 1 %. "
        "From celigo_api_errors_total.",
        'celigo_api_errors_total{@account, type=~"server_error|bad_gateway|unavailable|timeout|dns|connect|tls"}',
        "api_errors_ratio",
        BAD,
    ),
    number(
        "p95 of a call",
        "95 of 100 calls of the last 15 minutes took no longer, in the account where it is highest. An alert comes "
        "above %{api_slow} for %{api_slow_for}. Normal: below 1 s. From celigo_api_request_duration_seconds.",
        Query(
            "max(histogram_quantile(0.95, sum by (account, environment, le) "
            "(rate(celigo_api_request_duration_seconds_bucket{@account}[15m]))))"
        ),
        Field("s", 2, above((limit("api_slow"), WARNING), base=CALM), none="no calls"),
        size=_SIZE,
        trend=True,
    ),
    _share(
        "Calls told to wait (429)",
        "Share of the calls in 10 minutes that were answered 429, of the account where it is highest. The limit is "
        "shared with everything else that uses the account's API. An alert comes above %{throttled_ratio.percent} for "
        "%{throttled_for}. Normal: 0. From celigo_api_requests_total.",
        'celigo_api_requests_total{@account, code="429"}',
        "throttled_ratio",
        WARNING,
    ),
    _share(
        "Answers that cannot be read",
        "Share of the answers in 10 minutes that were cut, no JSON, of another shape, too large or a redirect: a "
        "proxy in between, or a change of the API. An alert comes above %{unreadable_ratio.percent}. Normal: 0. From "
        "celigo_api_errors_total.",
        'celigo_api_errors_total{@account, type=~"truncated|invalid_json|unexpected_shape|too_large|redirect"}',
        "unreadable_ratio",
        WARNING,
    ),
    number(
        "Calls waiting for our budget",
        "How many calls waited for the exporter's own budget on average in 15 minutes, of the account where it is "
        "most. An alert comes above %{budget_wait_ratio.percent} for %{budget_for}, but not while history is read. "
        "Normal: near 0. From celigo_api_rate_limit_wait_seconds_total.",
        Query('max(rate(celigo_api_rate_limit_wait_seconds_total{@account, reason="budget"}[15m]))'),
        Field("short", 2, above((limit("budget_wait_ratio"), WARNING), base=CALM)),
        size=_SIZE,
        trend=True,
    ),
    number(
        "Exporters that are not scraped",
        "Targets of Prometheus that do not answer; for these, every other alert is blind. An alert pages after "
        "%{down_for}. Normal: 0. From Prometheus' own up.",
        now('sum(up{job=~"%{job}"} == bool 0)'),
        Field(steps=above((1, BAD), base=CALM), none="no target"),
        size=_SIZE,
    ),
    number(
        "Collectors that fall behind",
        "Collectors without a success for longer than their intervals explain; what they tell vanishes before long. An "
        "alert comes beyond %{stale_intervals} intervals. Normal: 0. "
        "From celigo_exporter_collector_last_success_timestamp_seconds.",
        now(
            known_zero(
                "count(celigo:collector_stale_seconds{@account})",
                "celigo_exporter_collector_interval_seconds{@account}",
            )
        ),
        Field(steps=above((1, WARNING), base=CALM)),
        size=_SIZE,
    ),
    number(
        "API token ends in",
        "Time until the first of the API tokens purges itself, as configured in token_expires. An alert comes "
        "%{token_expiry} before. From celigo_api_token_expiry_timestamp_seconds; needs profile standard.",
        now("min(celigo_api_token_expiry_timestamp_seconds{@account}) - time()"),
        Field("s", 1, ((None, WARNING), (limit("token_expiry"), CALM)), none="not configured"),
        size=_SIZE,
    ),
    number(
        "Clocks differ by",
        "How far the exporter's clock and integrator.io's are apart, of the account where it is most; below a second "
        "it cannot be told and counts as 0. An alert comes above %{clock_skew}. From celigo_api_clock_skew_seconds; "
        "needs profile standard.",
        now("max(abs(celigo_api_clock_skew_seconds{@account})) or 0 * max(celigo_up{@account} == 1)"),
        Field("s", 0, above((limit("clock_skew"), WARNING), base=CALM)),
        size=_NARROW,
    ),
    number(
        "Is what is counted saved?",
        "Whether counters and what is usual would survive a restart: yes, not written although a state file is "
        "configured, or in memory only because none is. An alert comes when it cannot be written. From "
        "celigo_exporter_state_persistent.",
        now(
            f'min({_STATE}{{job=~"%{{job}}", backend!="memory"}}) '
            f'or 2 + 0 * min({_STATE}{{job=~"%{{job}}", backend="memory"}})'
        ),
        Field(states={"0": ("not written", BAD), "1": ("yes", CALM), "2": ("in memory only", UNKNOWN)}),
        size=_NARROW,
    ),
    number(
        "Are the newest settings in effect?",
        "Whether the settings that were loaded last are in effect, or were rejected, so that the last good ones stay. "
        "An alert comes when they were rejected. From celigo_exporter_config_last_reload_successful.",
        now('min(celigo_exporter_config_last_reload_successful{job=~"%{job}"})'),
        Field(states={"0": ("rejected", BAD), "1": ("yes", CALM)}),
        size=_NARROW,
    ),
    number(
        "Families with series left out",
        "Families of which series were left out in 30 minutes because of limits.series; alerts that need them are "
        "silent. Normal: 0. From celigo_exporter_series_dropped_total.",
        now(
            known_zero(
                "count(max by (account, environment, family) (increase(celigo_exporter_series_dropped_total{@account, "
                'reason="series_cap"}[30m])) > 0)',
                "celigo_up{@account}",
            )
        ),
        Field(steps=above((1, WARNING), base=CALM)),
        size=_NARROW,
    ),
]

BOARD = Board(
    uid="celigo-api",
    title="API and exporter",
    answers=(
        "Does integrator.io answer, how fast, and with which errors?",
        "Is the budget for calls used up?",
        "Is each collector fresh, and what does it cost?",
        "How large is what is served?",
    ),
    variables=(variables.account(), variables.environment()),
    rows=(
        Row(_TOP),
        Row([HEALTH, LATENCY]),
        Row([CALLS, ERRORS]),
        Row([BY_ENDPOINT, P95], title="Which endpoint is slow or fails?"),
        Row(COLLECTORS, title="Is each collector fresh, and what does it cost?"),
        Row(BUDGET, title="Is the budget for calls used up?", collapsed=True),
        Row(SERVED, title="What is served, by which exporter?", collapsed=True),
    ),
    annotations=(annotations.CRITICAL, annotations.DEPLOYED),
)
