"""The kinds of panels, each with a title that is a question or a fact and a text that says where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grafana_foundation_sdk.models import bargauge, common, stat, statetimeline, text, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataTransformerConfig,
    FieldConfigSource,
    GridPos,
    Panel,
)

from dashboards.source.field import Field
from dashboards.source.query import Query, targets
from dashboards.source.variables import DATASOURCE

PLUGIN_VERSION = "10.1.0"
POINTS = 240
"""Points of a line: more than people see, and what a query costs grows with them."""

_POWERS = common.ScaleDistributionConfig(type_val=common.ScaleDistribution.LOG, log=10)


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel and how much of the grid it takes: 24 columns are the whole width, a row is 30 pixels high."""

    panel: Panel
    width: int
    height: int

    def at(self, left: int, top: int) -> GridPos:
        """Its place when its upper left corner is there."""
        return GridPos(h=self.height, w=self.width, x=left, y=top)


def number(
    title: str,
    about: str,
    query: Query,
    field: Field,
    *,
    size: tuple[int, int],
    trend: bool = False,
    words: bool = False,
) -> Placed:
    """One number for each series, on its colour; `trend` draws its past, `words` shows what series are called."""
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.AREA if trend else common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND_SOLID,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if words else common.BigValueTextMode.VALUE,
        reduce_options=_newest(),
    )
    return make("stat", title, about, [query], field, options=options, size=size)


def bars(
    title: str,
    about: str,
    queries: Sequence[Query],
    field: Field,
    *,
    size: tuple[int, int],
    overrides: Sequence[DashboardFieldConfigSourceOverrides] = (),
) -> Placed:
    """A bar for each series."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.HORIZONTAL,
        reduce_options=_newest(),
        min_viz_height=16,
    )
    from_nothing = replace(field, least=0.0) if field.least is None else field
    placed = make("bargauge", title, about, queries, from_nothing, options=options, overrides=overrides, size=size)
    if placed.panel.field_config is not None:
        # Else a single bar has no name.
        placed.panel.field_config.defaults.display_name = "${__series.name}"
    return placed


def lines(
    title: str,
    about: str,
    queries: Sequence[Query],
    field: Field,
    *,
    size: tuple[int, int],
    stacked: bool = False,
    columns: bool = False,
    table: bool = False,
    names: bool = False,
    powers: bool = False,
    points: int = POINTS,
    overrides: Sequence[DashboardFieldConfigSourceOverrides] = (),
) -> Placed:
    """The past as lines, or as stacked areas or columns; limits of `field` are drawn as dashed lines.

    `table` puts the legend on the right with the newest and the highest value of each. `names` tells series apart whose
    names are not known beforehand. `powers` gives every power of ten the same height, for numbers far apart. Fewer
    `points` are for what many series have to be read for.
    """
    if names:
        field = replace(field, by_name=True)
    stacking = common.StackingConfig(
        mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"
    )
    custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if columns else common.GraphDrawStyle.LINE,
        line_width=0 if columns else 2 if not stacked else 1,
        fill_opacity=80 if columns else 35 if stacked else 0,
        show_points=common.VisibilityMode.NEVER,
        stacking=stacking,
        axis_soft_min=None if powers else 0,
        scale_distribution=_POWERS if powers else None,
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphTresholdsStyleMode.DASHED if len(field.steps) > 1 else common.GraphTresholdsStyleMode.OFF
        ),
    )
    legend = common.VizLegendOptions(
        show_legend=True,
        display_mode=common.LegendDisplayMode.TABLE if table else common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.RIGHT if table else common.LegendPlacement.BOTTOM,
        calcs=["lastNotNull", "max"] if table else [],
        sort_by="Max" if table else None,
        sort_desc=True if table else None,
    )
    options = timeseries.Options(legend=legend, tooltip=_tooltip())
    placed = make(
        "timeseries", title, about, queries, field, options=options, custom=custom, overrides=overrides, size=size
    )
    placed.panel.max_data_points = points
    return placed


def timeline(
    title: str, about: str, queries: Sequence[Query], field: Field, *, size: tuple[int, int], words: bool = False
) -> Placed:
    """States over time, a band for each query; `words` says in the bands what they are, where there is room."""
    legend = common.VizLegendOptions(show_legend=False)
    shown = common.VisibilityMode.AUTO if words else common.VisibilityMode.NEVER
    options = statetimeline.Options(show_value=shown, legend=legend, tooltip=_tooltip())
    custom = statetimeline.FieldConfig(fill_opacity=85)
    return make("state-timeline", title, about, queries, field, options=options, custom=custom, size=size)


def note(title: str, about: str, content: str, *, size: tuple[int, int]) -> Placed:
    """A text in Markdown."""
    panel = Panel(type_val="text", title=title, description=about, plugin_version=PLUGIN_VERSION)
    panel.options = text.Options(mode=text.TextMode.MARKDOWN, content=content)
    return Placed(panel, *size)


def make(
    kind: str,
    title: str,
    about: str,
    queries: Sequence[Query],
    field: Field,
    *,
    options: object,
    size: tuple[int, int],
    custom: object = None,
    overrides: Sequence[DashboardFieldConfigSourceOverrides] = (),
    transformations: Sequence[DataTransformerConfig] = (),
) -> Placed:
    """A panel of any kind that asks something."""
    panel = Panel(type_val=kind, title=title, description=about, datasource=DATASOURCE, plugin_version=PLUGIN_VERSION)
    panel.targets = targets(queries)
    panel.field_config = FieldConfigSource(defaults=field.config(custom), overrides=list(overrides))
    panel.options = options
    panel.max_data_points = POINTS
    panel.transformations = list(transformations)
    return Placed(panel, *size)


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions(calcs=["lastNotNull"], values=False)


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
