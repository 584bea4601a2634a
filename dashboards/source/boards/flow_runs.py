"""Flow: its runs over time, against what is expected of them."""

from dashboards.source.field import Field, drawn, fixed_colours
from dashboards.source.palette import BAD, BLUE, GREEN, PURPLE, UNKNOWN, WARNING
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
SINCE_START = lines(
    "How long ago did it last begin?",
    "Time since the newest start, falling to 0 with each. The dashed lines are what is expected: a start every "
    "interval of its schedule, or for a flow that events start the longest usual silence (profile full), from which on "
    "an alert comes after %{silent_for}. From celigo_flow_last_executed_timestamp_seconds.",
    [
        Query(
            "clamp_min(time() - max(celigo_flow_last_executed_timestamp_seconds{@flow}), 0)", "since the newest start"
        ),
        Query("max(celigo_flow_schedule_interval_seconds{@flow})", "interval of the schedule"),
        Query("max(celigo_flow_expected_max_silence_seconds{@flow})", "longest usual silence"),
    ],
    Field("s", none="It is not known to have run"),
    size=_LINES,
    overrides=[
        drawn("since the newest start", BLUE),
        drawn("interval of the schedule", UNKNOWN, dashed=True),
        drawn("longest usual silence", WARNING, dashed=True),
    ],
)
FRESHNESS = lines(
    "How old is its newest success?",
    "Time since the end of the newest run without any error, and what the objective of freshness allows, where it has "
    "one: an alert pages when it is older for %{freshness_for}, and warns when it was for %{freshness_ratio} of "
    "%{freshness_window}. Needs profile standard.",
    [
        Query(
            "clamp_min(time() - max(celigo_flow_last_success_timestamp_seconds{@flow}), 0)", "since the newest success"
        ),
        Query("max(celigo_flow_slo_freshness_seconds{@flow})", "allowed"),
    ],
    Field("s", none="No success is known"),
    size=_LINES,
    overrides=[drawn("since the newest success", PURPLE), drawn("allowed", BAD, dashed=True)],
)
RECORDS = lines(
    "How many records move a minute?",
    "Records of ended runs, a minute, by outcome: a long run's records all count when it ends. An alert comes when "
    "over %{partial_errors_ratio} of an hour's records fail, more than %{partial_errors_records}. "
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
