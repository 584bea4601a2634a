"""One question to Prometheus."""

import string
from collections.abc import Iterable
from dataclasses import dataclass

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import prometheus

from dashboards.source.scope import scoped
from dashboards.source.variables import DATASOURCE

STEP = "1m"
"""The smallest step, and the scrape interval that `$__rate_interval` is made of, whatever the data source says."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query in the short forms of `scope`; `legend` may have `{{label}}` in it. `now` asks for the present only."""

    expr: str
    legend: str = ""
    now: bool = False
    format: prometheus.PromQueryFormat = prometheus.PromQueryFormat.TIME_SERIES


def now(expr: str, legend: str = "") -> Query:
    """A query about the present."""
    return Query(expr, legend, now=True)


def rows(expr: str) -> Query:
    """A query about the present whose series become rows of a table."""
    return Query(expr, now=True, format=prometheus.PromQueryFormat.TABLE)


def targets(queries: Iterable[Query]) -> list[Dataquery]:
    """The queries of a panel as Grafana has them, called A, B, C, ..."""
    return [
        prometheus.Dataquery(
            expr=scoped(query.expr),
            instant=query.now,
            range_val=not query.now,
            format_val=query.format,
            legend_format=query.legend or None,
            ref_id=letter,
            datasource=DATASOURCE,
            interval=STEP,
            editor_mode=prometheus.QueryEditorMode.CODE,
        )
        for letter, query in zip(string.ascii_uppercase, queries, strict=False)
    ]
