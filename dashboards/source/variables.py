"""What can be chosen at the top of a board: from info series, which are few and cheap to list."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.source.scope import app, scoped

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

_ANY = ".*"
_NAME_AND_ID = r"""/^(?=.*{name}="(?<text>(?:[^"\\]|\\.)*)")(?=.*{id}="(?<value>[^"]*)")/"""


def datasource() -> VariableModel:
    """Which Prometheus."""
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus").build()


def account(*, one: bool = False) -> VariableModel:
    """Which accounts; `one` of them where a board is about a single thing."""
    return _chosen("account", "Account", "label_values(celigo_up, account)", one=one)


def environment() -> VariableModel:
    """Which environments."""
    return _chosen("environment", "Environment", 'label_values(celigo_up{account=~"$account"}, environment)')


def team() -> VariableModel:
    """Whose flows, by `ownership`; all of them with those that belong to nobody."""
    return _chosen("team", "Team", "label_values(celigo:flow_labels{@account}, team)")


def integration(*, one: bool = False) -> VariableModel:
    """Which integrations, by name."""
    query = "celigo_integration_info{@account}"
    return _chosen("integration", "Integration", query, one=one, named=("integration_name", "integration_id"))


def flow() -> VariableModel:
    """One flow of the chosen integration, by name."""
    return _chosen("flow", "Flow", "celigo_flow_info{@integration}", one=True, named=("flow_name", "flow_id"))


def flows() -> VariableModel:
    """The ids of all flows of the chosen integration; never shown. Another name than `flow`, which links hand on."""
    # Without a value for all of them, all is every id by name: the values have no label of their integration.
    query = "celigo_flow_info{@integration}"
    return _chosen("flows", "Flows", query, named=("flow_name", "flow_id"), hidden=True, any_value=None)


def steps() -> VariableModel:
    """The ids of the steps that are known of the chosen flow; never shown."""
    query = "query_result(group by (step_id) (celigo_step_open_errors{@flow} or celigo_step_records_total{@flow}))"
    variable = _chosen("steps", "Steps", query, hidden=True, any_value=None)
    variable.regex = '/step_id="([^"]+)"/'
    return variable


def connection() -> VariableModel:
    """Which connections, by name."""
    return _chosen(
        "connection", "Connection", "celigo_connection_info{@account}", named=("connection_name", "connection_id")
    )


def app_of_account() -> VariableModel:
    """Where integrator.io's pages of the chosen account are; never shown."""
    query = f"query_result({app('celigo_account_info{@account}')})"
    variable = _chosen("app", "integrator.io", query, one=True, hidden=True)
    variable.regex = '/app="([^"]+)"/'
    return variable


def _chosen(
    name: str,
    label: str,
    query: str,
    *,
    one: bool = False,
    named: tuple[str, str] | None = None,
    hidden: bool = False,
    any_value: str | None = _ANY,
) -> VariableModel:
    builder = builders.QueryVariable(name).label(label).query({"query": scoped(query), "refId": name})
    builder = builder.datasource(DATASOURCE).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    builder = builder.sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    if named:
        builder = builder.regex(_NAME_AND_ID.format(name=named[0], id=named[1]))
    if hidden:
        builder = builder.hide(VariableHide.HIDE_VARIABLE)
    if one:
        return builder.build()
    builder = builder.multi(True).include_all(True).current(VariableOption(text=["All"], value=["$__all"]))
    return (builder.all_value(any_value) if any_value else builder).build()
