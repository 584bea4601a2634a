"""Tables: names instead of ids, ids in hidden columns for the links."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import common, table
from grafana_foundation_sdk.models.dashboard import DashboardFieldConfigSourceOverrides, DataTransformerConfig

from dashboards.source.field import Field, mappings, override, thresholds
from dashboards.source.panels import Placed, make
from dashboards.source.query import rows

IDENTITIES = ("account", "environment", "flow_id", "integration_id", "connection_id", "agent_id", "app", "way")
"""Columns that are in a table for its links."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: a label, or the number of a query (`Value #A`, or `Value` of a single one).

    `field` says how numbers are shown; `bar` shows them as bars too, `filled` on the colour of their limit. `width` is
    in pixels.
    """

    source: str
    title: str
    field: Field | None = None
    width: int | None = None
    bar: bool = False
    filled: bool = False


def table_of(
    title: str,
    about: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    size: tuple[int, int],
    none: str,
    sort: str,
    then: str = "",
    ascending: bool = False,
) -> Placed:
    """Rows of the present. Several queries with the same labels are one row; `sort` is a column's title.

    Rows with the same value there are in descending order of the column `then`.
    """
    options = table.Options(
        sort_by=[
            common.TableSortByFieldState(display_name=sort, desc=not ascending),
            *([common.TableSortByFieldState(display_name=then, desc=True)] if then else []),
        ],
        cell_height=common.TableCellHeight.SM,
        footer=common.TableFooterOptions(show=False, reducer=["sum"], count_rows=False),
    )
    questions = [rows(query) for query in queries]
    shown = [*columns, *(Column(name, name) for name in IDENTITIES if name not in {row.source for row in columns})]
    steps = [
        *([DataTransformerConfig("merge", options={})] if len(queries) > 1 else []),
        _chosen(shown),
        _ordered(shown),
    ]
    overrides = [*map(_override, columns), *_hidden(columns)]
    field = Field(none=none)
    custom = common.TableFieldOptions(align=common.FieldTextAlignment.AUTO, inspect=False)
    return make(
        "table", title, about, questions, field,
        options=options, custom=custom, overrides=overrides, transformations=steps, size=size,
    )  # fmt: skip


def _chosen(columns: Sequence[Column]) -> DataTransformerConfig:
    return DataTransformerConfig("filterFieldsByName", options={"include": {"names": [row.source for row in columns]}})


def _ordered(columns: Sequence[Column]) -> DataTransformerConfig:
    order = {column.source: number for number, column in enumerate(columns)}
    names = {column.source: column.title for column in columns}
    return DataTransformerConfig("organize", options={"excludeByName": {}, "indexByName": order, "renameByName": names})


def _override(column: Column) -> DashboardFieldConfigSourceOverrides:
    # Else the text for an empty table would stand in every empty cell.
    properties: dict[str, object] = {"noValue": "-"}
    if column.width:
        properties["custom.width"] = column.width
    if column.field is not None:
        properties |= _numbers(column, column.field)
    return override("byName", column.title, properties)


def _numbers(column: Column, field: Field) -> dict[str, object]:
    cell: dict[str, object] = {"type": "auto"}
    scale: dict[str, object] = {}
    if column.bar:
        cell = {"type": "gauge", "mode": "basic"}
        scale = {"fieldMinMax": True}
    elif column.filled:
        cell = {"type": "color-background", "mode": "basic"}
    elif len(field.steps) > 1 or field.states:
        cell = {"type": "color-text"}
    shown: dict[str, object] = {"unit": field.unit, "custom.cellOptions": cell, "thresholds": thresholds(field.steps)}
    shown |= scale
    shown |= {"decimals": field.decimals} if field.decimals is not None else {}
    shown |= {"mappings": mappings(field.states)} if field.states else {}
    shown |= {"min": field.least} if field.least is not None else {}
    shown |= {"max": field.most} if field.most is not None else {}
    return shown | ({"links": [link.data_link() for link in field.links]} if field.links else {})


def _hidden(columns: Sequence[Column]) -> list[DashboardFieldConfigSourceOverrides]:
    shown = {column.source for column in columns}
    return [override("byName", name, {"custom.hidden": True}) for name in IDENTITIES if name not in shown]
