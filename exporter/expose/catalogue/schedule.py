"""Section 3: what should have happened by now."""

from exporter.expose.catalogue.own import CONFIGURATION
from exporter.expose.families import Metric

_FLOWS = "GET /v1/flows"

FLOW_NEXT_EXPECTED_RUN_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_next_expected_run_timestamp_seconds",
    "gauge",
    "When the flow's schedule next wants a run after its newest start; in the past once a run was missed.",
    f"{_FLOWS} and GET /v1/jobs",
    ("flow_id",),
)
FLOW_SCHEDULE_INTERVAL_SECONDS = Metric(
    "celigo_flow_schedule_interval_seconds",
    "gauge",
    "Time between the two instants around now at which the flow's schedule wants a run.",
    _FLOWS,
    ("flow_id",),
)
FLOW_CONSECUTIVE_MISSED_RUNS = Metric(
    "celigo_flow_consecutive_missed_runs",
    "gauge",
    "Runs that the flow's schedule wanted since its newest start and that did not come.",
    f"{_FLOWS} and GET /v1/jobs",
    ("flow_id",),
    "standard",
)
FLOW_SCHEDULE_UNREADABLE = Metric(
    "celigo_flow_schedule_unreadable",
    "gauge",
    "The flow has a schedule that cannot be read, so nothing is expected of it. Always 1.",
    _FLOWS,
    ("flow_id",),
    "standard",
)
FLOW_EXPECTED_MAX_SILENCE_SECONDS = Metric(
    "celigo_flow_expected_max_silence_seconds",
    "gauge",
    "Longest usual time without a run of a flow that no schedule starts: configured, else learned by hour of the week.",
    f"{CONFIGURATION} and GET /v1/jobs",
    ("flow_id",),
    "full",
)
FLOW_DST_SKIP_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_dst_skip_timestamp_seconds",
    "gauge",
    "When the flow would next run but for the change of clocks that removes that hour.",
    _FLOWS,
    ("flow_id",),
    "standard",
)
FLOW_SLO_FRESHNESS_SECONDS = Metric(
    "celigo_flow_slo_freshness_seconds",
    "gauge",
    "How old the flow's newest delivery may be, according to the configuration.",
    CONFIGURATION,
    ("flow_id", "tier"),
    "standard",
)
FLOW_LAST_SUCCESS_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_success_timestamp_seconds",
    "gauge",
    "End of the flow's newest completed run without any error.",
    "GET /v1/jobs",
    ("flow_id",),
    "standard",
)
FLOW_LAST_DELIVERY_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_delivery_timestamp_seconds",
    "gauge",
    "End of the newest completed run of which at most half the records failed; of flows with a freshness objective.",
    f"GET /v1/jobs and {CONFIGURATION}",
    ("flow_id",),
    "standard",
)
