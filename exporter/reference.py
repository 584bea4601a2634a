"""The pages about metrics and configuration in docs/, made from the code so that they cannot say anything else.

`python -m exporter.reference docs` writes both; tests compare the committed files.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from exporter.api.errors import ERROR_TYPES
from exporter.api.listing import REJECT_REASONS
from exporter.api.telemetry import CACHE_RESULTS, RETRY_REASONS, WAIT_REASONS
from exporter.collect.active import ACTIVE
from exporter.collect.ageing import AGES
from exporter.collect.audit import EVENTS, RESOURCE_TYPES
from exporter.collect.audit import SOURCES as AUDIT_SOURCES
from exporter.collect.health import CHECKS
from exporter.collect.inventory import STATES
from exporter.collect.licenses import ENTITLEMENTS, LICENSE_TYPES
from exporter.collect.resolved import Resolved
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.collect.steps import StepType
from exporter.collect.topology import ResourceKind
from exporter.collect.triggers import Trigger
from exporter.config import reference as configuration
from exporter.config.settings import PROFILES
from exporter.expose import catalogue
from exporter.expose.catalogue import CATALOGUE, own
from exporter.expose.families import Metric
from exporter.expose.render import number
from exporter.expose.self_metrics import FAILURE_REASONS
from exporter.ledger.tally import FINISHED, OUTCOMES

FILE_NAME = "metrics.md"

MEASURED = Path(__file__).parents[1] / "docs" / "series.json"
"""Written by `make bench ARGS="--series --write"`."""

SECTIONS = (
    ("The exporter and its calls", own.UP),
    ("Integrations and flows", catalogue.INTEGRATION_INFO),
    ("What should have happened", catalogue.FLOW_NEXT_EXPECTED_RUN_TIMESTAMP_SECONDS),
    ("Runs and records", catalogue.FLOW_RUNS_TOTAL),
    ("Errors", catalogue.FLOW_OPEN_ERRORS),
    ("Connections and agents", catalogue.CONNECTION_INFO),
    ("Governance", catalogue.AUDIT_EVENTS_TOTAL),
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
    ("state", "celigo_integration_flows, celigo_connection_flows", STATES),
    ("status", "celigo_flow_runs_total, celigo_flow_retries_total, celigo_integration_runs_total", FINISHED),
    ("status", "celigo_flow_last_run_status", FINISHED),
    (
        "outcome",
        (
            "celigo_flow_records_total, celigo_integration_records_total, celigo_flow_last_run_records, "
            "celigo_step_records_total"
        ),
        OUTCOMES,
    ),
    ("status", "celigo_flow_active_runs, celigo_active_runs", ACTIVE),
    ("step_type", "celigo_step_info", get_args(StepType)),
    ("classification", "celigo_integration_open_errors_by_classification", CLASSIFICATIONS),
    ("source", "celigo_integration_open_errors_by_source", SOURCES),
    ("older_than", "celigo_integration_open_errors_by_age", tuple(AGES)),
    ("by", "celigo_integration_errors_resolved_total", Resolved._fields),
    ("resource_type", "celigo_audit_events_total", RESOURCE_TYPES),
    ("event", "celigo_audit_events_total", EVENTS),
    ("source", "celigo_audit_events_total", AUDIT_SOURCES),
    ("type", "celigo_license_expiry_timestamp_seconds", LICENSE_TYPES),
    ("entitlement", "celigo_entitlement_limit, celigo_entitlement_used", ENTITLEMENTS),
    ("kind", "celigo_orphaned_resources", get_args(ResourceKind)),
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
* What follows from the lists of exports and imports may be half an hour older, and is kept that much longer: they are
  long, and read rarely. A trigger goes by what they told last.
* Counters start at 0 when their flow or integration is first seen and count each finished run once. They go on after a
  restart with a [state file](state.md), and start again from 0 without.
* Times are Unix seconds, durations seconds. Ages are left to the query: `time() - celigo_..._timestamp_seconds`.
* Names stand only on `_info` series, ids on all others. A query joins them:

```promql
increase(celigo_flow_runs_total{status="failed"}[1h])
  * on (account, environment, flow_id) group_left (flow_name, integration_name) celigo_flow_info
```

* What belongs to flows outside any integration has the `integration_id` `none`.
* A family is exported in its profile and those above it: `lean`, `standard` (the default), `full`. Filters and the
  limit on series apply on top (`profile`, `filters`, `limits.series` in the [configuration](configuration.md)).
* Agents, audit log, notifications, licences and their use may be closed to an account. Then their series are missing
  and `celigo_exporter_endpoint_available` is 0; nothing fails.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Series by profile and family of a sample account with that many flows."""

    flows: int
    profiles: Mapping[str, Mapping[str, int]]

    def of(self, metric: Metric) -> str:
        """The metric's figure for the page."""
        count = self.profiles[PROFILES[-1]].get(metric.name)
        return "-" if count is None else f"{count:,}"


def measured(path: Path = MEASURED) -> Measured:
    """What was measured last; raises OSError and ValueError when that is not there."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return Measured(held["flows"], {name: held["profiles"][name] for name in PROFILES})


def metrics_page() -> str:
    """The whole page."""
    figures = measured()
    parts = (_INTRODUCTION, *_profiles(figures), *_sections(figures), *_buckets(), *_values())
    return "\n".join(parts).rstrip("\n") + "\n"


def sections() -> Iterator[tuple[str, Sequence[Metric]]]:
    """Each heading with its metrics, in the order of the catalogue."""
    starts = [CATALOGUE.index(first) for _, first in SECTIONS]
    for (title, _), start, end in zip(SECTIONS, starts, [*starts[1:], len(CATALOGUE)], strict=True):
        yield title, CATALOGUE[start:end]


def _profiles(figures: Measured) -> Iterator[str]:
    yield f"## Profiles\n\nMeasured on a simulated account of {figures.flows:,} flows with `make bench`.\n"
    rows = ((f"`{name}`", f"{len(held)}", f"{sum(held.values()):,}") for name, held in figures.profiles.items())
    yield _table(("Profile", "Families", "Series"), rows)


def _sections(figures: Measured) -> Iterator[str]:
    series = f"Series at {figures.flows:,} flows"
    for title, metrics in sections():
        yield f"## {title}\n"
        rows = (
            (
                _code([metric.name]),
                metric.type,
                _code(metric.labels),
                metric.help,
                metric.source,
                metric.tier,
                figures.of(metric),
            )
            for metric in metrics
        )
        yield _table(("Name", "Type", "Labels", "Meaning", "From", "Profile", series), rows)


def _buckets() -> Iterator[str]:
    yield "## Buckets\n\nUpper bounds in seconds; `+Inf` comes on top.\n"
    rows = (
        (_code([metric.name]), ", ".join(number(bound).removesuffix(".0") for bound in metric.buckets))
        for metric in CATALOGUE
        if metric.type == "histogram"
    )
    yield _table(("Histogram", "Bounds"), rows)


def _values() -> Iterator[str]:
    yield (
        "## Label values\n\nMembers of a closed set start at 0 as soon as what they belong to is known. Of\n"
        "`celigo_audit_events_total` only what people change most does: there are hundreds of combinations.\n"
    )
    rows = ((_code([label]), _code(metrics.split(", ")), _code(members)) for label, metrics, members in VALUES)
    yield _table(("Label", "On", "Members"), rows)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write both pages into `folder`; their paths."""
    path = folder / FILE_NAME
    path.write_text(metrics_page(), encoding="utf-8")
    return [path, configuration.write(folder)]


if __name__ == "__main__":
    for written in write(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
