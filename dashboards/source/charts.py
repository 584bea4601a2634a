"""Charts over something else than time."""

from grafana_foundation_sdk.models import barchart, common
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from dashboards.source.field import Field, mappings, override
from dashboards.source.panels import Placed, make
from dashboards.source.query import rows


def columns_by(
    label: str,
    title: str,
    about: str,
    query: str,
    field: Field,
    *,
    size: tuple[int, int],
    words: dict[str, str] | None = None,
) -> Placed:
    """A column for each value of `label`, in the order of the values as texts; `words` says what they are called."""
    options = barchart.Options(
        x_field=label,
        orientation=common.VizOrientation.VERTICAL,
        show_value=common.VisibilityMode.NEVER,
        bar_width=0.8,
        legend=common.VizLegendOptions(show_legend=False),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    steps = [
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": [label, "Value"]}}),
        DataTransformerConfig("sortBy", options={"fields": {}, "sort": [{"field": label}]}),
    ]
    named = {value: (word, "") for value, word in (words or {}).items()}
    overrides = [override("byName", label, {"mappings": mappings(named)})] if named else []
    return make(
        "barchart", title, about, [rows(query)], field,
        options=options, custom=barchart.FieldConfig(line_width=0, fill_opacity=90, axis_soft_min=0, axis_soft_max=4),
        overrides=overrides, transformations=steps, size=size,
    )  # fmt: skip
