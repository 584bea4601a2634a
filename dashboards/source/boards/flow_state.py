"""Flow: how it is now, as numbers, and how it was, as bands."""

from dashboards.source.field import Field, Steps, above
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, BLUE, CALM, GOOD, PURPLE, UNKNOWN, WARNING
from dashboards.source.panels import number, timeline
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_FLOW, ON_FLOW

_SMALL = (4, 3)
_ENDS = (("completed", CALM), ("failed", BAD), ("canceled", PURPLE))
_NO_COLOUR: Steps = ((None, CALM),)
_TIME = Field("s", 1, steps=_NO_COLOUR)
_KNOWN = "celigo_flow_enabled{@flow}"
_BLOCKED = "celigo:flow_blocked{@flow}"
_LATE = "celigo:flow_late_seconds{@flow}"
_NEXT = "celigo_flow_next_expected_run_timestamp_seconds{@flow}"
_SILENT = 'celigo:flow_trouble{@flow, trouble="CeligoListenerFlowSilent"}'
_USUAL_SILENCE = "celigo_flow_expected_max_silence_seconds{@flow}"
_SUCCESS = "celigo_flow_last_success_timestamp_seconds{@flow}"
_DELIVERY = "celigo_flow_last_delivery_timestamp_seconds{@flow}"
_RUNNING = 'celigo_flow_oldest_active_run_start_timestamp_seconds{@flow, status=~"running|retrying"}'

_WORDS = (
    ("on", GOOD),
    ("off", UNKNOWN),
    ("idle", UNKNOWN),
    ("running", BLUE),
    ("queued", WARNING),
    ("retrying", PURPLE),
    ("hangs", BAD),
    ("on time", GOOD),
    ("late", BAD),
    ("silent", BAD),
    ("excused", UNKNOWN),
    ("online", GOOD),
    ("offline", BAD),
    ("completed", GOOD),
    ("failed", BAD),
    ("canceled", PURPLE),
    ("in time", GOOD),
    ("too old", BAD),
)
_HANGS = (
    'celigo:flow_trouble{@flow, trouble=~"CeligoFlowRunStuck|CeligoFlowRunStalled|CeligoFlowRunVeryLong|'
    'CeligoFlowRetryingTooLong"}'
)
_EXCUSED = f"({_NEXT} < time() and {ON_FLOW} celigo:flow_excused{{@flow}})"
_CODES = {word: str(code) for code, (word, _) in enumerate(_WORDS, 1)}
"""Of the bands: a number for each word, whichever band it is in."""


def _where(word: str, condition: str) -> str:
    """`word`'s number while `condition` is 1."""
    return f"{_CODES[word]} * ({condition} == 1)"


def _known(word: str, series: str) -> str:
    """`word`'s number while there are series."""
    return f"{_CODES[word]} * (count({series}) > bool 0)"


def _ended(status: str) -> str:
    return _where(status, f'max(celigo_flow_last_run_status{{@flow, status="{status}"}})')


def _active(status: str) -> str:
    return _where(status, f'max(celigo_flow_active_runs{{@flow, status="{status}"}}) > bool 0')


_NEWEST_RUN = " or ".join(map(_ended, ("completed", "failed", "canceled")))
_IN_PROGRESS = " or ".join(
    (_known("hangs", _HANGS), *map(_active, ("running", "retrying", "queued")), _known("idle", _KNOWN))
)
_EXPECTED = " or ".join(
    (
        _known("late", _LATE),
        _known("silent", _SILENT),
        _known("excused", _EXCUSED),
        _known("on time", f"({_NEXT} or {_USUAL_SILENCE})"),
    )
)
_OLD = "celigo:flow_freshness_missed{@flow}"

BANDS = timeline(
    "When was it on, running, late, cut off, failing?",
    "Switched: on or off. In progress: whether a run waits, runs or retries, and whether it hangs for the alerts. "
    "Expected runs: late from the end of the grace (%{grace_ratio.percent} of the interval, %{grace_least} to "
    "%{grace_most}) until a run begins; an alert comes after %{overdue_for} more. Silent: longer without an event than "
    "is usual; needs profile full. "
    "Excused: no run begins, but a connection is or was offline within %{recovery}. Connections: offline while a step "
    "cannot reach its system. Newest run: how it ended. Freshness: too old while the newest delivery is longer ago "
    "than the objective allows. No band: nothing is known.",
    [
        Query(f"{_where('on', f'max({_KNOWN})')} or {_known('off', _KNOWN)}", "Switched"),
        Query(_IN_PROGRESS, "In progress"),
        Query(_EXPECTED, "Expected runs"),
        Query(
            f"{_known('offline', _BLOCKED)} or {_known('online', 'celigo_flow_connection_info{@flow}')}", "Connections"
        ),
        Query(_NEWEST_RUN, "Newest run"),
        Query(f"{_where('too old', f'max({_OLD})')} or {_known('in time', _OLD)}", "Freshness"),
    ],
    Field(states={_CODES[word]: (word, colour) for word, colour in _WORDS}),
    size=(24, 8),
    words=True,
)

STATE = [
    number(
        "Is it switched on?",
        "Whether the flow is enabled. When it was switched off within %{turned_off_window}, an alert says so. "
        "From celigo_flow_enabled.",
        now(f"max({_KNOWN})"),
        Field(steps=_NO_COLOUR, states={"1": ("on", CALM), "0": ("off", UNKNOWN)}),
        size=_SMALL,
    ),
    number(
        "How did it end last?",
        "Final status of the newest run that ended. From celigo_flow_last_run_status; needs profile standard.",
        now(_NEWEST_RUN),
        Field(steps=_NO_COLOUR, states={_CODES[word]: (word, colour) for word, colour in _ENDS}, none="no run known"),
        size=_SMALL,
    ),
    number(
        "Failed in a row",
        "Failed runs since the newest completed one. Normal: 0. An alert pages at %{failed_runs}, and warns at "
        "%{failed_since_change_runs} when the flow was edited since its last success. "
        "From celigo_flow_consecutive_failed_runs.",
        now("max(celigo_flow_consecutive_failed_runs{@flow})"),
        Field("short", 0, above((1, WARNING), (limit("failed_runs"), BAD), base=CALM)),
        size=_SMALL,
    ),
    number(
        "Newest success",
        "How long ago the newest run without any error ended. From celigo_flow_last_success_timestamp_seconds; needs "
        "profile standard.",
        now(f"time() - max({_SUCCESS})"),
        _TIME,
        size=_SMALL,
    ),
    number(
        "Share of allowed age",
        "Age of the newest delivery (a completed run that got at least half of its records through) as a share of what "
        "its objective of freshness allows; an alert pages above 100 % for %{freshness_for}. Unknown without an "
        "objective (ownership in the configuration). "
        "From celigo_flow_slo_freshness_seconds; needs profile standard.",
        now(f"(time() - max({_DELIVERY})) / max(celigo_flow_slo_freshness_seconds{{@flow}})"),
        Field("percentunit", 0, above((1, BAD), base=CALM), none="no objective"),
        size=_SMALL,
    ),
    number(
        "Open errors",
        "Errors of the flow that nobody has resolved. From celigo_flow_open_errors.",
        now("max(celigo_flow_open_errors{@flow})"),
        Field("short", 0, steps=_NO_COLOUR),
        size=_SMALL,
    ),
    number(
        "Next run wanted",
        "When the flow's schedule next wants a run after its newest start; in the past when that did not come. "
        "From celigo_flow_next_expected_run_timestamp_seconds.",
        now(f"1000 * max({_NEXT})"),
        Field("dateTimeFromNow", steps=_NO_COLOUR, none="no schedule"),
        size=_SMALL,
    ),
    number(
        "Is it late or silent?",
        "How long ago a run should have begun, when that is beyond the grace that it has: an alert comes after "
        "%{overdue_for}. For a flow that events start, by how much its silence is longer than the longest usual one "
        "(profile full); an alert comes after %{silent_for}. Excused: no run begins, but a connection is or was "
        "offline within %{recovery}. From celigo_flow_next_expected_run_timestamp_seconds.",
        now(
            f"max({_LATE}) or max({_SILENT} - {ON_FLOW} max {BY_FLOW} ({_USUAL_SILENCE})) "
            f"or -1 * (count({_EXCUSED}) > bool 0) or 0 * count({_NEXT} or {_USUAL_SILENCE})"
        ),
        Field(
            "s",
            1,
            above((1, BAD), base=CALM),
            states={"0": ("no", CALM), "-1": ("excused", UNKNOWN)},
            none="none expected",
        ),
        size=_SMALL,
    ),
    number(
        "Runs missed in a row",
        "Runs that the schedule wanted since the newest start and that did not come. Normal: 0. An alert pages at "
        "%{missed_runs}, unless a connection is to blame. From celigo_flow_consecutive_missed_runs; needs profile "
        "standard.",
        now("max(celigo_flow_consecutive_missed_runs{@flow})"),
        Field("short", 0, above((1, WARNING), (limit("missed_runs"), BAD), base=CALM), none="no schedule"),
        size=_SMALL,
    ),
    number(
        "Running for",
        "Since when the oldest run in progress runs or retries. An alert comes at %{stuck_factor} times the usual "
        "duration, and pages at %{very_long}. From celigo_flow_oldest_active_run_start_timestamp_seconds.",
        now(f"time() - min({_RUNNING})"),
        Field("s", 1, above((limit("very_long"), BAD), base=CALM), none="no run"),
        size=_SMALL,
    ),
    number(
        "Run last moved",
        "How long ago a page or record counter of the run in progress last moved. An alert pages at %{stalled}. "
        "From celigo_flow_active_run_progress_timestamp_seconds.",
        now("time() - min(celigo_flow_active_run_progress_timestamp_seconds{@flow})"),
        Field("s", 1, above((limit("stalled"), BAD), base=CALM), none="no run"),
        size=_SMALL,
    ),
    number(
        "Run waits in queue",
        "Since when the oldest queued run waits. An alert comes at %{queued}: a connection's or the account's "
        "concurrency is used up. From celigo_flow_oldest_active_run_start_timestamp_seconds.",
        now('time() - min(celigo_flow_oldest_active_run_start_timestamp_seconds{@flow, status="queued"})'),
        Field("s", 1, above((limit("queued"), WARNING), base=CALM), none="none waits"),
        size=_SMALL,
    ),
]
