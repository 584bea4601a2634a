"""Calls to integrator.io on the board about the API: answers, times, errors and endpoints."""

from dashboards.source.field import Field, above, drawn, told_apart
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, BLUE, CALM, GOOD, GREEN, PURPLE, UNKNOWN, WARNING, YELLOW
from dashboards.source.panels import lines, timeline
from dashboards.source.query import Query
from dashboards.source.tables import Column, table_of
from exporter.api.endpoints import Endpoint

_BUCKETS = "celigo_api_request_duration_seconds_bucket{@account}"
_ANSWERS = {"0": ("fails", BAD), "1": ("answers", GOOD)}

HEALTH = timeline(
    "Which kinds of calls succeed?",
    "The newest call of each kind: answered or failed; of several accounts the worst. Gaps: none was sent lately. All "
    "failing: token, network or integrator.io; a single one: its part of the API. From celigo_health_check_success.",
    [Query("min by (check) (celigo_health_check_success{@account})", "{{check}}")],
    Field(states=_ANSWERS),
    size=(12, 8),
)
_QUANTILES = {"p99": BAD, "p95": WARNING, "p50": GOOD}
LATENCY = lines(
    "How long does a call take?",
    "Time from sending a request until its whole body was read: half, 95 % and 99 % of the calls took no longer. An "
    "alert comes when p95 is above %{api_slow} for %{api_slow_for}. Normal: p95 below 1 s. From "
    "celigo_api_request_duration_seconds.",
    [
        Query(f"histogram_quantile(0.{name[1:]}, sum by (le) (rate({_BUCKETS}[$__rate_interval])))", name)
        for name in _QUANTILES
    ],
    Field("s", steps=above((limit("api_slow"), WARNING))),
    size=(12, 8),
    overrides=[drawn(name, colour) for name, colour in _QUANTILES.items()],
)

_CODES = {
    "2xx": GOOD,
    "3xx": BLUE,
    "4xx": PURPLE,
    "401 or 403": YELLOW,
    "429": WARNING,
    "5xx": BAD,
    "no answer": UNKNOWN,
}


def _coded() -> str:
    """Requests with the label `answer`; the later a pattern, the more it counts."""
    requests = "sum by (code) (rate(celigo_api_requests_total{@account}[$__rate_interval]))"
    for answer, code in (
        *((f"{first}xx", f"{first}..") for first in "2345"),
        ("401 or 403", "401|403"),
        ("429", "429"),
        ("no answer", "none"),
    ):
        requests = f'label_replace({requests}, "answer", "{answer}", "code", "{code}")'
    return f"60 * sum by (answer) ({requests})"


CALLS = lines(
    "How many calls a minute, and what is answered?",
    "Requests to integrator.io a minute, retries included, by status. Nearly all should be 2xx; 401 or 403: the token; "
    "429: the account's limit; 5xx: integrator.io; no answer: network, name resolution or time-out. "
    "From celigo_api_requests_total.",
    [Query(_coded(), "{{answer}}")],
    Field("short"),
    size=(12, 8),
    stacked=True,
    columns=True,
    overrides=[drawn(name, colour) for name, colour in _CODES.items()],
)

_ERRORS = {
    "integrator.io (5xx)": ("server_error|bad_gateway|unavailable", BAD),
    "time-out": ("timeout", YELLOW),
    "no connection": ("dns|connect|tls", BLUE),
    "told to wait (429)": ("rate_limited", WARNING),
    "token (401, 403)": ("unauthorized|forbidden", PURPLE),
    "unreadable answer": ("truncated|invalid_json|unexpected_shape|too_large|redirect", GREEN),
    "other 4xx": ("bad_request|not_found|conflict|validation|other", UNKNOWN),
}
ERRORS = lines(
    "Which errors, a minute?",
    "Failed attempts a minute, whether or not a retry then succeeded, by whose matter it is: integrator.io's, the "
    "network's, the account's limit, the token's, a proxy's, or ours (other 4xx). Normal: none. From "
    "celigo_api_errors_total.",
    [
        Query(f'60 * sum(rate(celigo_api_errors_total{{@account, type=~"{types}"}}[$__rate_interval])) > 0', name)
        for name, (types, _) in _ERRORS.items()
    ],
    Field("short", none="No call failed"),
    size=(12, 8),
    stacked=True,
    columns=True,
    overrides=[drawn(name, colour) for name, (_, colour) in _ERRORS.items()],
)

_FAILURES = 'type=~"server_error|bad_gateway|unavailable|timeout|dns|connect|tls"'
_SENT = "sum by (endpoint) (increase(celigo_api_requests_total{@account}[1h]))"
_NONE = f"or 0 * {_SENT}"
BY_ENDPOINT = table_of(
    "Endpoints in the last hour",
    "Calls of each endpoint in the last hour: p95, the share that failed (5xx, time-out or no connection; an alert "
    "comes above %{api_errors_ratio.percent} of all calls), all failed attempts, how many were repeated, and how much "
    "was read. From celigo_api_request_duration_seconds, celigo_api_requests_total, celigo_api_errors_total.",
    [
        f"{_SENT} > 0",
        f"histogram_quantile(0.95, sum by (endpoint, le) (increase({_BUCKETS[:-1]}}}[1h]))) >= 0",
        (
            f"(sum by (endpoint) (increase(celigo_api_errors_total{{@account, {_FAILURES}}}[1h])) / ({_SENT} > 0)) "
            f"or (0 * ({_SENT} > 0))"
        ),
        f"sum by (endpoint) (increase(celigo_api_errors_total{{@account}}[1h])) {_NONE}",
        f"sum by (endpoint) (increase(celigo_api_retries_total{{@account}}[1h])) {_NONE}",
        f"sum by (endpoint) (increase(celigo_api_response_bytes_total{{@account}}[1h])) {_NONE}",
    ],
    [
        Column("endpoint", "Endpoint"),
        Column("Value #A", "Calls", Field("short", 0), width=70),
        Column("Value #B", "p95", Field("s", 2, above((limit("api_slow"), WARNING), base=CALM)), width=80, filled=True),
        Column(
            "Value #C",
            "Fail",
            Field("percentunit", 1, above((limit("api_errors_ratio"), BAD), base=CALM)),
            width=80,
            filled=True,
        ),
        Column("Value #D", "Errors", Field("short", 0), width=70),
        Column("Value #E", "Retries", Field("short", 0), width=70),
        Column("Value #F", "Read", Field("bytes", 0), width=90),
    ],
    size=(14, 12),
    none="No call in the last hour",
    sort="p95",
)
_MAIN = (
    Endpoint.JOBS,
    Endpoint.JOBS_CURRENT,
    Endpoint.INTEGRATION_ERRORS,
    Endpoint.STEP_ERRORS,
    Endpoint.FLOWS,
    Endpoint.CONNECTIONS,
)
"""What most calls go to; the lines of the others are grey."""
P95 = lines(
    "How did p95 change, by endpoint?",
    "95 of 100 calls of each endpoint took no longer; those that are called rarely are grey. A single "
    "endpoint that became slow: its part of the API, or lists that grew. From celigo_api_request_duration_seconds.",
    [
        Query(
            f"histogram_quantile(0.95, sum by (endpoint, le) (rate({_BUCKETS}[$__rate_interval])))",
            "{{endpoint}}",
        )
    ],
    Field("s", steps=above((limit("api_slow"), WARNING))),
    size=(10, 12),
    overrides=told_apart([one.value for one in (*_MAIN, *(other for other in Endpoint if other not in _MAIN))]),
)
