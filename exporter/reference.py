"""The reference pages in docs/, made from the code so that they cannot say anything else.

`python -m exporter.reference docs` writes all of them; tests compare the committed files.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

from exporter.api.errors import ERROR_TYPES
from exporter.api.listing import REJECT_REASONS
from exporter.api.telemetry import CACHE_RESULTS, RETRY_REASONS, WAIT_REASONS
from exporter.collect.active import ACTIVE
from exporter.collect.health import CHECKS
from exporter.collect.inventory import STATES, Trigger
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.collect.steps import StepType
from exporter.config import reference as configuration
from exporter.expose import catalogue, own_catalogue
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Metric
from exporter.expose.render import number
from exporter.expose.self_metrics import FAILURE_REASONS
from exporter.ledger.tally import FINISHED, OUTCOMES

FILE_NAME = "metrics.md"

SECTIONS = (
    ("The exporter and its calls", own_catalogue.UP),
    ("Integrations and flows", catalogue.INTEGRATION_INFO),
    ("Runs and records", catalogue.FLOW_RUNS_TOTAL),
    ("Errors", catalogue.FLOW_OPEN_ERRORS),
    ("Connections", catalogue.CONNECTION_INFO),
)
"""Headings of the page, and the metric that each begins with."""

VALUES: tuple[tuple[str, str, Sequence[str]], ...] = (
    ("check", "celigo_health_check_success", tuple(CHECKS)),
    ("type", "celigo_api_errors_total", ERROR_TYPES),
    ("reason", "celigo_api_retries_total", RETRY_REASONS),
    ("result", "celigo_api_cache_requests_total", CACHE_RESULTS),
    ("reason", "celigo_api_rate_limit_wait_seconds_total", WAIT_REASONS),
    ("reason", "celigo_exporter_collector_errors_total", FAILURE_REASONS),
    ("reason", "celigo_exporter_rows_rejected_total", REJECT_REASONS),
    ("trigger", "celigo_flow_info", get_args(Trigger)),
    ("state", "celigo_integration_flows", STATES),
    ("status", "celigo_flow_runs_total, celigo_flow_retries_total, celigo_integration_runs_total", FINISHED),
    ("status", "celigo_flow_last_run_status", FINISHED),
    ("outcome", "celigo_flow_records_total, celigo_integration_records_total, celigo_flow_last_run_records", OUTCOMES),
    ("status", "celigo_flow_active_runs, celigo_active_runs", ACTIVE),
    ("step_type", "celigo_step_info", get_args(StepType)),
    ("classification", "celigo_integration_open_errors_by_classification", CLASSIFICATIONS),
    ("source", "celigo_integration_open_errors_by_source", SOURCES),
)
"""Label, the metrics that carry it, and its members."""

_INTRODUCTION = """\
# Metrics

Made from the code by `make docs`; edit it there.

What holds for every series:

* Every metric but `celigo_exporter_build_info` carries `account` and `environment` besides the labels below.
* What is not known is absent, never 0. A collector that stops succeeding keeps its last values for three of its
  intervals, at least 5 minutes (`staleness` in the [configuration](configuration.md)); then they vanish.
* A listing that was cut takes nothing away. What it lists but cannot be read keeps its values as long as those of a
  collector that fails, and is counted in `celigo_exporter_rows_rejected_total`.
* Counters start at 0 when their flow or integration is first seen and count each finished run once. They go on after a
  restart with a [state file](state.md), and start again from 0 without.
* Times are Unix seconds, durations seconds. Ages are left to the query: `time() - celigo_..._timestamp_seconds`.
* Names stand only on `_info` series, ids on all others. A query joins them:

```promql
increase(celigo_flow_runs_total{status="failed"}[1h])
  * on (account, environment, flow_id) group_left (flow_name, integration_name) celigo_flow_info
```

* What belongs to flows outside any integration has the `integration_id` `none`.
"""


def metrics_page() -> str:
    """The whole page."""
    return "\n".join((_INTRODUCTION, *_sections(), *_buckets(), *_values())).rstrip("\n") + "\n"


def sections() -> Iterator[tuple[str, Sequence[Metric]]]:
    """Each heading with its metrics, in the order of the catalogue."""
    starts = [CATALOGUE.index(first) for _, first in SECTIONS]
    for (title, _), start, end in zip(SECTIONS, starts, [*starts[1:], len(CATALOGUE)], strict=True):
        yield title, CATALOGUE[start:end]


def _sections() -> Iterator[str]:
    for title, metrics in sections():
        yield f"## {title}\n"
        rows = (
            (_code([metric.name]), metric.type, _code(metric.labels), metric.help, metric.source) for metric in metrics
        )
        yield _table(("Name", "Type", "Labels", "Meaning", "From"), rows)


def _buckets() -> Iterator[str]:
    yield "## Buckets\n\nUpper bounds in seconds; `+Inf` comes on top.\n"
    rows = (
        (_code([metric.name]), ", ".join(number(bound).removesuffix(".0") for bound in metric.buckets))
        for metric in CATALOGUE
        if metric.type == "histogram"
    )
    yield _table(("Histogram", "Bounds"), rows)


def _values() -> Iterator[str]:
    yield "## Label values\n\nMembers of a closed set start at 0 as soon as what they belong to is known.\n"
    rows = ((_code([label]), _code(metrics.split(", ")), _code(members)) for label, metrics, members in VALUES)
    yield _table(("Label", "On", "Members"), rows)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every page into `folder`; their paths."""
    path = folder / FILE_NAME
    path.write_text(metrics_page(), encoding="utf-8")
    return [path, configuration.write(folder)]


if __name__ == "__main__":
    for written in write(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
