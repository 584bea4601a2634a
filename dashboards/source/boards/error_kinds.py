"""Errors by kind, source, code, team and step, and the records that fail: what the board about errors has below."""

from dashboards.source import palette
from dashboards.source.boards.error_scope import (
    FLOW,
    FLOWS_OF_TEAM,
    INTEGRATION,
    NAMED_FLOWS,
    NAMED_INTEGRATIONS,
    OF_FLOWS,
    OF_TEAM,
    of_integrations,
    total,
)
from dashboards.source.field import Field, above, coloured
from dashboards.source.limits import limit
from dashboards.source.links import to_connection
from dashboards.source.palette import BAD, BLUE, WARNING
from dashboards.source.panels import bars, lines
from dashboards.source.query import Query, now
from dashboards.source.scope import ON_FLOW, ON_INTEGRATION, among, app
from dashboards.source.tables import Column, table_of

_OF_CLASSES = "celigo_integration_open_errors_by_classification{@integration}"
_NOW = total(_OF_CLASSES, "classification")
_EVER = total(_OF_CLASSES, "classification", teams=False)
READ = f"sum({_NOW})"
"""How many open errors were read: each has one class."""

_BY_KIND = (
    f"sum by (kind) (label_replace(label_replace({_EVER}, "
    '"kind", "$1", "classification", "(.+)"), "kind", "other", "kind", "parse|too_large|none"))'
)
_ONE_COLOUR = Field("short", colour=BLUE)

CLASSES = table_of(
    "Of what kind are they?",
    "Open errors whose records were read, by integrator.io's classification, and how many more or fewer than 24 hours "
    "ago. An alert comes for %{class_errors} more of %{classes} in an hour. From "
    "celigo_integration_open_errors_by_classification, profile standard.",
    [
        f"{_NOW} > 0",
        f"({_NOW} > 0) - {total(_OF_CLASSES + ' offset 24h', 'classification')}",
    ],
    [
        Column("classification", "Class", width=100),
        Column("Value #A", "Open", Field("short", 0, ((None, BLUE),), least=0), bar=True),
        Column("Value #B", "In 24 h", Field("short", 0), width=75),
    ],
    size=(6, 7),
    none="No open error was read",
    sort="Open",
)
_PAST = lines(
    "When did which kind arise?",
    "Open errors whose records were read, by integrator.io's classification, of all teams; parse, too_large, none and "
    "other together. From celigo_integration_open_errors_by_classification, profile standard.",
    [Query(f"{_BY_KIND} > 0", "{{kind}}")],
    Field("short"),
    size=(9, 10),
    stacked=True,
    points=40,
    overrides=coloured(palette.CLASSES),
)
_SOURCES = bars(
    "Where in the flow do they arise?",
    "Open errors whose records were read, by the place that they come from: application is the system at the other "
    "end. From celigo_integration_open_errors_by_source, profile standard.",
    [
        now(
            f"sort_desc(topk(12, {total('celigo_integration_open_errors_by_source{@integration}', 'source')} > 0))",
            "{{source}}",
        )
    ],
    _ONE_COLOUR,
    size=(5, 10),
)
_CODES = bars(
    "Which codes do they have?",
    "Open errors of the whole account whose records were read, by error code, the 12 most frequent; rare codes are "
    "together as other. No integration or team can be chosen here. From celigo_open_errors_by_code, profile standard.",
    [
        now(
            "sort_desc(topk(12, sum by (code) (max by (account, environment, code) "
            "(celigo_open_errors_by_code{@account})) > 0))",
            "{{code}}",
        )
    ],
    _ONE_COLOUR,
    size=(5, 10),
)
_TEAMS = bars(
    "Whose are they?",
    "Open errors by the team that owns the flow, the 12 with most. From celigo_flow_open_errors and the "
    "configuration's ownership.",
    [
        now(
            "sort_desc(topk(12, label_replace(sum by (team) (celigo:flow_open_errors{@account} "
            f'* {ON_FLOW} group_left (team) {FLOWS_OF_TEAM}), "team", "no team", "team", "")))',
            "{{team}}",
        )
    ],
    _ONE_COLOUR,
    size=(5, 10),
)
KINDS = [_PAST, _SOURCES, _CODES, _TEAMS]

_ON_STEP = "on (account, environment, step_id)"
_WORST_STEPS = (
    f"topk(20, max by (account, environment, flow_id, step_id) ((celigo_step_open_errors{{@account}} > 0) {OF_FLOWS}))"
)
"""Chosen before anything is joined to them: an account may have a hundred thousand steps."""
_STEP_INFO = (
    f"topk by (account, environment, step_id) (1, {among(_WORST_STEPS, _ON_STEP, 'celigo_step_info{@account}')})"
)
_NAMED_STEPS = (
    f"{_WORST_STEPS} {NAMED_FLOWS} "
    f"* {_ON_STEP} group_left (step_name, step_type, adaptor_type, connection_id) {_STEP_INFO}"
)
_STEPS_TABLE = table_of(
    "Which steps have most?",
    "The 20 steps with most open errors; the kind leads to the connection that the step uses. Several steps of one "
    "connection point to the system behind it. From celigo_step_open_errors and celigo_step_info, profile standard.",
    [app(f"max without (step_id) ({_NAMED_STEPS})")],
    [
        Column("step_name", "Step"),
        Column("adaptor_type", "Kind", Field(links=(to_connection(),)), width=220),
        FLOW,
        Column("integration_name", "Integration", width=220),
        Column("team", "Team", width=110),
        Column("Value", "Open", Field("short", 0, ((None, WARNING),), least=0), width=200, bar=True),
    ],
    size=(24, 9),
    none="No step has an open error, as of the newest data",
    sort="Open",
)

_RATIO = "celigo:integration_record_error_ratio"
_FAILING_FIRST = f"topk(15, ({_RATIO}:rate1h{{@integration}} > 0) {OF_TEAM})"
_FAILED = 'increase(celigo_integration_records_total{@integration, outcome="error"}[1h])'
_FAILING = table_of(
    "In which integrations do records fail now?",
    "Share of the records of the last hour that failed, and how many times as fast as an objective of "
    "%{record_objective.percent} allows. An alert comes from %{slow_burn} times over six hours and %{fast_burn} times "
    "over one on. From celigo_integration_records_total, by the alert rules.",
    [
        app(f"{_FAILING_FIRST} {NAMED_INTEGRATIONS}"),
        among(_FAILING_FIRST, ON_INTEGRATION, f"{_RATIO}:rate6h{{@integration}}"),
        f"{_FAILING_FIRST} / (1 - %{{record_objective}})",
        of_integrations(_FAILED, _FAILING_FIRST),
    ],
    [
        INTEGRATION,
        Column("team", "Team", width=110),
        Column("Value #D", "Failed in 1 h", Field("short", 0), width=110),
        Column("Value #A", "Share in 1 h", Field("percentunit", 1), width=110),
        Column("Value #B", "In 6 h", Field("percentunit", 1), width=80),
        Column(
            "Value #C",
            "Times allowed",
            Field("short", 1, above((limit("slow_burn"), WARNING), (limit("fast_burn"), BAD))),
            width=120,
        ),
    ],
    size=(14, 9),
    none="No record failed in the last hour, as of the newest data",
    sort="Share in 1 h",
)
_FAILED_RATE = total(
    'rate(celigo_integration_records_total{@integration, outcome="error"}[$__rate_interval])', teams=False
)
_RATE = total(
    'rate(celigo_integration_records_total{@integration, outcome=~"success|error"}[$__rate_interval])',
    "outcome",
    teams=False,
)
_SHARE = lines(
    "What share of the records fails?",
    "Failed records of all that were not ignored, of runs that ended, of all teams. From "
    "celigo_integration_records_total.",
    [Query(f"{_FAILED_RATE} / (sum({_RATE}) > 0)", "failed")],
    Field("percentunit", colour=BAD),
    size=(10, 9),
    points=80,
)
STEPS = [_STEPS_TABLE, _FAILING, _SHARE]
