"""Governance: licences and what they allow, who changed what, what nobody watches, owns or uses."""

from dashboards.source import annotations, variables
from dashboards.source.board import Board, Row
from dashboards.source.field import Field, Steps, above, told_apart
from dashboards.source.limits import limit
from dashboards.source.links import to_integration
from dashboards.source.palette import BAD, CALM, GOOD, WARNING
from dashboards.source.panels import bars, lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import NAMED_INTEGRATION, known_zero
from dashboards.source.tables import Column, table_of
from exporter.collect.audit import RESOURCE_TYPES
from exporter.collect.audit import SOURCES as AUDIT_SOURCES

_COUNT = Field(steps=((None, CALM),))
_SOON: Steps = ((None, BAD), (limit("license_urgent"), WARNING), (limit("license_notice"), CALM))
_FLOWS = "celigo_flow_enabled{@account}"
_USED = "max by (account, environment, entitlement) (celigo_entitlement_used{@account})"
_LIMIT = "max by (account, environment, entitlement) (celigo_entitlement_limit{@account})"
_LEFT = "max by (account, environment, license_id, type) (celigo_license_expiry_timestamp_seconds{@account}) - time()"
_EVENTS = (
    "max by (account, environment, resource_type, event, source) (increase(celigo_audit_events_total{@account}[5m]))"
)
_TELL_NOBODY = (
    "max by (account, environment, integration_id) (celigo_integration_flows_without_notifications{@account})"
)

_LICENCE = number(
    "How long do the licences last?",
    "Time until the first licence ends. Alerts come %{license_notice} and %{license_urgent} before. Unknown when the "
    "account may not read its licences. From GET /v1/licenses.",
    now(f"min({_LEFT})"),
    Field("s", 0, _SOON),
    size=(5, 4),
)
_ENTITLEMENT = number(
    "How much is used up of what is allowed?",
    "The entitlement that is nearest to its limit. An alert comes above %{entitlement_ratio.percent}. Normal: below "
    "that. From GET /v1/licenseEntitlementUsage and GET /v1/licenses.",
    now(f"max({_USED} / ({_LIMIT} > 0))"),
    Field("percentunit", 0, above((limit("entitlement_ratio"), WARNING), base=CALM)),
    size=(5, 4),
)
_UNWATCHED = number(
    "Flows that tell nobody",
    "Enabled flows without a subscriber: integrator.io sends no mail when they fail. Normal: 0 where alerts of this "
    "exporter are not used. From GET /v1/notifications.",
    now(f"sum({_TELL_NOBODY})"),
    _COUNT,
    size=(5, 4),
)
_UNOWNED = number(
    "Flows that belong to no team",
    "Flows to which `ownership` in the exporter's configuration gives no team; their alerts go to the default one. "
    "Normal: 0. From celigo_flow_info and celigo_flow_owner_info.",
    now(known_zero('count(celigo:flow_labels{@account, team=""})', "celigo:flow_labels{@account}")),
    _COUNT,
    size=(5, 4),
)
_CHANGES = number(
    "Changes in this time",
    "Entries of the audit log in the chosen time: creations, changes and deletions by people, calls and connectors. "
    "From GET /v1/audit.",
    now(
        "sum(max by (account, environment, resource_type, event, source) "
        "(increase(celigo_audit_events_total{@account}[$__range])))"
    ),
    Field("short", 0, ((None, CALM),)),
    size=(4, 4),
)

_OFTEN = ("flow", "connection", "export", "import", "integration", "user", "accesstoken")
_BY_RESOURCE = lines(
    "What was changed, and when?",
    "Entries of the audit log in five minutes, by what they are about. A burst next to the first failed run is the "
    "usual cause. From GET /v1/audit.",
    [Query(f"sum by (resource_type) ({_EVENTS}) > 0", "{{resource_type}}")],
    Field("short", 0, none="No change in this time, or the account may not read its audit log"),
    size=(12, 8),
    stacked=True,
    columns=True,
    overrides=told_apart([*_OFTEN, *(kind for kind in RESOURCE_TYPES if kind not in _OFTEN)]),
)
_BY_SOURCE = lines(
    "From where was it changed?",
    "The same entries by where the change came from: the user interface, the API, a connector, sign-on. Many by the "
    "API: a deployment or an integration that edits itself. From GET /v1/audit.",
    [Query(f"sum by (source) ({_EVENTS}) > 0", "{{source}}")],
    Field("short", 0, none="No change in this time, or the account may not read its audit log"),
    size=(12, 8),
    stacked=True,
    columns=True,
    overrides=told_apart(AUDIT_SOURCES),
)

_ENTITLEMENTS = table_of(
    "What does the licence allow, and what is used?",
    "Entitlements with their use and limit. An alert comes when %{entitlement_ratio.percent} are used. An entitlement "
    "without a limit is left out. From GET /v1/licenseEntitlementUsage and GET /v1/licenses.",
    [_USED, _LIMIT, f"{_USED} / ({_LIMIT} > 0)"],
    [
        Column("account", "Account", width=140),
        Column("entitlement", "Entitlement"),
        Column("Value #A", "Used", Field("short", 0), width=80),
        Column("Value #B", "Allowed", Field("short", 0), width=90),
        Column(
            "Value #C",
            "Share",
            Field("percentunit", 0, above((limit("entitlement_ratio"), WARNING)), least=0, most=1),
            width=200,
            bar=True,
        ),
    ],
    size=(12, 7),
    none="The account tells no entitlements, or may not read them",
    sort="Share",
)
_LICENCES = table_of(
    "Which licence ends when?",
    "Licences that end, soonest first, with the time that is left. Alerts come %{license_notice} (warning) and "
    "%{license_urgent} (critical) before. From GET /v1/licenses.",
    [_LEFT],
    [
        Column("account", "Account", width=140),
        Column("license_id", "Licence"),
        Column("type", "Type", width=120),
        Column("Value", "Time left", Field("s", 0, _SOON), width=140, filled=True),
    ],
    size=(12, 7),
    none="No licence ends, or the account may not read them",
    sort="Time left",
    ascending=True,
)

_WITHOUT = table_of(
    "Which integrations tell nobody?",
    "Integrations with enabled flows that nobody is subscribed to, most of them first. From GET /v1/notifications.",
    [f"topk(20, {_TELL_NOBODY} > 0) {NAMED_INTEGRATION}"],
    [
        Column("integration_name", "Integration", Field(links=(to_integration(),))),
        Column("team", "Team", width=140),
        Column("Value", "Flows", Field("short", 0, most=None, least=0), width=120),
    ],
    size=(10, 8),
    none="Somebody is subscribed to every enabled flow, or the account may not read notifications",
    sort="Flows",
)
_ORPHANS = bars(
    "What does nobody use?",
    "Connections, exports and imports that are in no flow, and enabled flows that nothing starts. They cost nothing, "
    "but hide what matters. Needs profile full. From the lists of flows, exports, imports and connections.",
    [
        now(
            "sort_desc(sum by (kind) (max by (account, environment, kind) (celigo_orphaned_resources{@account})))",
            "{{kind}}",
        )
    ],
    Field("short", 0, ((None, GOOD),)),
    size=(7, 8),
)
_OWNERS = bars(
    "Who owns how many flows?",
    "Flows by team, as `ownership` in the exporter's configuration gives them. From celigo_flow_owner_info.",
    [now('sort_desc(count by (team) (celigo:flow_labels{@account, team!=""}))', "{{team}}")],
    Field("short", 0, ((None, GOOD),), none="`ownership` gives no flow a team"),
    size=(7, 8),
)

BOARD = Board(
    uid="celigo-governance",
    title="Governance",
    answers=(
        "Does the licence last, and for how much more?",
        "Who changed what?",
        "What does nobody watch, own or use?",
    ),
    variables=(variables.account(), variables.environment()),
    rows=(
        Row([_LICENCE, _ENTITLEMENT, _UNWATCHED, _UNOWNED, _CHANGES]),
        Row([_BY_RESOURCE, _BY_SOURCE]),
        Row([_ENTITLEMENTS, _LICENCES]),
        Row([_WITHOUT, _ORPHANS, _OWNERS], title="Nobody's things"),
    ),
    annotations=(annotations.FLOWS_TURNED_OFF, annotations.DEPLOYED),
    since="now-24h",
)
