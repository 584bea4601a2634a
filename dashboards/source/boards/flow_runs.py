"""Flow: its runs over time, against what is expected of them."""

from dashboards.source.field import Field, drawn, fixed_colours
from dashboards.source.palette import BAD, BLUE, GREEN, OUTCOMES, PURPLE, UNKNOWN, WARNING
from dashboards.source.panels import lines
from dashboards.source.query import Query

_LINES = (8, 7)
_OUTCOMES = fixed_colours(("success", "error", "ignored"))

LATE = lines(
    "Do its runs begin when they should?",
    "Time since a run should have begun, 0 while none is due; the dashed line is the grace, from where on it is late. "
    "An alert comes when it is late for %{overdue_for}, unless a connection is to blame. "
    "From celigo_flow_next_expected_run_timestamp_seconds.",
    [
        Query(
            "clamp_min(time() - max(celigo_flow_next_expected_run_timestamp_seconds{@flow}), 0)",
            "due and not begun",
        ),
        Query("max(celigo:flow_grace_seconds{@flow})", "grace"),
    ],
    Field("s", none="No schedule: nothing is expected"),
    size=_LINES,
    overrides=[drawn("due and not begun", BLUE), drawn("grace", BAD, dashed=True)],
)
DURATION = lines(
    "Do its runs take longer than usual?",
    "Last run: how long the newest ended run took. In progress: how long the oldest run in progress runs so far. "
    "Usual: the 95th percentile of the newest 50 runs. The dashed line is where an alert says that a run hangs: "
    "%{stuck_factor} times the usual, at least %{stuck_least}. Needs profile standard.",
    [
        Query("max(celigo_flow_last_run_duration_seconds{@flow})", "last run"),
        Query(
            'time() - min(celigo_flow_oldest_active_run_start_timestamp_seconds{@flow, status="running"})',
            "in progress",
        ),
        Query("max(celigo_flow_baseline_run_duration_seconds{@flow})", "usual"),
        Query(
            "clamp_min(%{stuck_factor} * max(celigo_flow_baseline_run_duration_seconds{@flow}), "
            "%{stuck_least.seconds})",
            "hangs from here",
        ),
    ],
    Field("s", none="No run is known"),
    size=_LINES,
    overrides=[
        drawn("last run", BLUE),
        drawn("in progress", GREEN, points=True),
        drawn("usual", UNKNOWN),
        drawn("hangs from here", WARNING, dashed=True),
    ],
    powers=True,
)
RECORDS_OF_RUN = lines(
    "How many records did each run move?",
    "Records of the newest ended run by outcome, until the next one ends; runs that end within one reading show the "
    "newest. From celigo_flow_last_run_records; needs profile standard.",
    [
        Query(
            "sum by (outcome) (max by (account, environment, flow_id, outcome) (celigo_flow_last_run_records{@flow}))",
            "{{outcome}}",
        )
    ],
    Field("short", 0, none="No run is known"),
    size=_LINES,
    stacked=True,
    overrides=_OUTCOMES,
)
ENDED = lines(
    "How many runs end an hour, and how?",
    "Runs and retries that ended in the hour before each point, by final status. A retry is a job of its own and "
    "no run. From celigo_flow_runs_total and celigo_flow_retries_total.",
    [
        Query("max by (status) (increase(celigo_flow_runs_total{@flow}[1h]))", "{{status}}"),
        Query("max by (status) (increase(celigo_flow_retries_total{@flow}[1h])) > 0", "retry {{status}}"),
    ],
    Field("short", 1, none="No run of it has been seen"),
    size=_LINES,
    overrides=[
        *fixed_colours(("completed", "failed", "canceled")),
        *(drawn(f"retry {status}", OUTCOMES[status], dashed=True) for status in ("completed", "failed", "canceled")),
    ],
)
FRESHNESS = lines(
    "How old is its newest success?",
    "Time since the end of the newest run without any error; where it has an objective of freshness also since the "
    "newest that got at least half of its records through, and what is allowed: an alert pages when that is older for "
    "%{freshness_for}, and warns when it was for %{freshness_ratio.percent} of %{freshness_window}. Needs profile "
    "standard.",
    [
        Query(
            "clamp_min(time() - max(celigo_flow_last_success_timestamp_seconds{@flow}), 0)", "since the newest success"
        ),
        Query(
            "clamp_min(time() - max(celigo_flow_last_delivery_timestamp_seconds{@flow}), 0)",
            "since the newest delivery",
        ),
        Query("max(celigo_flow_slo_freshness_seconds{@flow})", "allowed"),
    ],
    Field("s", none="No success is known"),
    size=_LINES,
    overrides=[
        drawn("since the newest success", PURPLE),
        drawn("since the newest delivery", BLUE),
        drawn("allowed", BAD, dashed=True),
    ],
)
RECORDS = lines(
    "How many records move a minute?",
    "Records of ended runs, a minute, by outcome: a long run's records all count when it ends. An alert comes when "
    "over %{partial_errors_ratio.percent} of an hour's records fail, more than %{partial_errors_records}. "
    "From celigo_flow_records_total; needs profile standard.",
    [
        Query(
            "60 * sum by (outcome) (max by (account, environment, flow_id, outcome) "
            "(rate(celigo_flow_records_total{@flow}[$__rate_interval])))",
            "{{outcome}}",
        )
    ],
    Field("short", none="No run is known"),
    size=_LINES,
    stacked=True,
    columns=True,
    overrides=_OUTCOMES,
)
