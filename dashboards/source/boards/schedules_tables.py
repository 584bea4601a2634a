"""Tables of the board about schedules: flows that are late, silent, stopped, or about to lose a run."""

from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.links import into_integrator, to_flow, to_integration
from dashboards.source.palette import BAD, CALM, UNKNOWN, WARNING
from dashboards.source.scope import BY_FLOW, NAMED_FLOW, ON_FLOW, app
from dashboards.source.tables import Column, table_of

_LABELS = "account, environment, flow_id, flow_name, integration_id, integration_name, team, tier, app"

FLOW = Column(
    "flow_name",
    "Flow",
    Field(links=(to_flow(), into_integrator("/integrations/{integration_id}/flowBuilder/{flow_id}"))),
)
INTEGRATION = Column("integration_name", "Integration", Field(links=(to_integration(),)))
TEAM = Column("team", "Team", width=100)


def chosen(flows: str, *labels: str) -> str:
    """The rows of a table: `flows`, which have names, with these labels besides and the way into integrator.io."""
    return f"max by ({', '.join((_LABELS, *labels))}) ({app(flows)})"


def of(flows: str, value: str) -> str:
    """Another number for each of the rows `flows`: what is not about one of them is dropped before it costs much."""
    return f"(0 * {flows} + {ON_FLOW} group_left () (max {BY_FLOW} ({value} and {ON_FLOW} {flows})))"


# Flows in trouble have their names already, and are few: joining names costs more than all the rest.
_LATE = chosen('topk(50, celigo:flow_trouble_named:schedule{@account, trouble="CeligoFlowOverdue", team=~"$team"})')
LATE = table_of(
    "Which runs did not come?",
    "The 50 flows that are overdue for longest: when the run was due, for how long it has not come, how many were "
    "missed, and how often the flow should run. It is overdue after its grace; %{overdue_for} later an alert comes. "
    "Flows with a connection offline are not in it. Many of one integration: look at its connections; many of all: at "
    "integrator.io. From celigo_flow_next_expected_run_timestamp_seconds.",
    [
        _LATE,
        f"(time() - {_LATE}) * 1000",
        of(_LATE, "celigo_flow_consecutive_missed_runs{@account}"),
        of(_LATE, "celigo_flow_schedule_interval_seconds{@account}"),
    ],
    [
        FLOW,
        INTEGRATION,
        TEAM,
        Column("Value #B", "Was due", Field("dateTimeAsIsoNoDateIfToday"), width=160),
        Column("Value #A", "Overdue for", Field("s", 1), width=105),
        Column("Value #C", "Missed", Field(steps=above((limit("missed_runs"), BAD), base=CALM)), width=70, filled=True),
        Column("Value #D", "Every", Field("s", 0), width=85),
    ],
    size=(16, 9),
    none="No flow is overdue, as of the newest data",
    sort="Overdue for",
)

_USUAL = f"(max {BY_FLOW} (celigo_flow_expected_max_silence_seconds{{@account}}))"
_SILENCE = f"(time() - max {BY_FLOW} (celigo_flow_last_executed_timestamp_seconds{{@account}} and {ON_FLOW} {_USUAL}))"
# Names are joined first, which is dear, so that the names' `team` chooses and they need not be read twice.
_QUIET = chosen(
    f"topk(25, ({_SILENCE} / {ON_FLOW} {_USUAL} unless {ON_FLOW} celigo:flow_disabled{{@account}}) {NAMED_FLOW})"
)


def _of_quiet(value: str) -> str:
    return f"0 * {_QUIET} + {ON_FLOW} group_left () {value}"


SILENT = table_of(
    "Who has been quiet for how much of the usual silence?",
    "The 25 flows without a schedule that are closest to their longest usual silence, or beyond it. From 100 % on a "
    "flow is silent, and an alert comes after %{silent_for} unless a connection is offline. What is usual is "
    "configured or learned by hour of the week. From celigo_flow_expected_max_silence_seconds; needs profile full and "
    "two weeks of runs.",
    [_QUIET, _of_quiet(_SILENCE)],
    [
        FLOW,
        INTEGRATION,
        TEAM,
        Column("Value #B", "Silent for", Field("s", 1), width=130),
        Column(
            "Value #A", "Of the usual", Field("percentunit", 0, above((1, WARNING), base=CALM)), width=130, filled=True
        ),
    ],
    size=(24, 9),
    none="Nothing is known about usual silences: needs profile full, and two weeks of runs",
    sort="Of the usual",
)

_WORDS = {
    "CeligoFlowTurnedOff": ("switched off", WARNING),
    "CeligoFlowUnscheduled": ("lost its schedule", WARNING),
    "CeligoFlowScheduleUnreadable": ("schedule unreadable", UNKNOWN),
}
_STOPPED = chosen(
    f'topk(50, celigo:flow_trouble_named:schedule{{@account, team=~"$team", trouble=~"{"|".join(_WORDS)}"}})', "trouble"
)
STOPPED = table_of(
    "Which flows does nothing start any more?",
    "Flows that were switched off or lost their schedule within the last %{turned_off_window}, and flows whose "
    "schedule the exporter cannot read, so that nothing is expected of them. An alert comes after %{turned_off_for}. "
    "From celigo_flow_enabled, celigo_flow_schedule_configured and celigo_flow_schedule_unreadable.",
    [of(_STOPPED, "1000 * celigo_flow_last_modified_timestamp_seconds{@account}")],
    [
        FLOW,
        INTEGRATION,
        TEAM,
        Column("trouble", "What", Field(states=_WORDS), width=160),
        Column("Value", "Changed", Field("dateTimeFromNow"), width=120),
    ],
    size=(12, 9),
    none="No flow was stopped lately, as of the newest data",
    sort="Changed",
)

_SKIPPED = chosen(
    f"bottomk(50, (max {BY_FLOW} (celigo_flow_dst_skip_timestamp_seconds{{@account}}) "
    f"unless {ON_FLOW} celigo:flow_disabled{{@account}}) {NAMED_FLOW})"
)
CLOCKS = table_of(
    "Which runs will a change of clocks skip?",
    "Runs that would fall into the hour that the next change of clocks removes, the next 50. They will not happen: "
    "move the schedule, or start the flow by hand. An alert tells of each %{dst_notice} before. From "
    "celigo_flow_dst_skip_timestamp_seconds; needs profile standard.",
    [f"{_SKIPPED} * 1000"],
    [
        FLOW,
        INTEGRATION,
        TEAM,
        Column("Value", "Skipped run", Field("dateTimeAsIso"), width=180),
    ],
    size=(12, 9),
    none="The next change of clocks skips no run, as of the newest data",
    sort="Skipped run",
    ascending=True,
)
