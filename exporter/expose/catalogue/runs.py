"""Section 4: runs and their records."""

from exporter.expose.families import Metric

_JOBS = "GET /v1/jobs"
_ACTIVE = "POST /v1/jobs/current"

FLOW_RUNS_TOTAL = Metric(
    "celigo_flow_runs_total",
    "counter",
    "Runs of the flow that ended since the exporter first saw the account, by final status; each counted once.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
FLOW_RECORDS_TOTAL = Metric(
    "celigo_flow_records_total",
    "counter",
    "Records of the flow's ended runs by outcome: sums of numSuccess, numError and numIgnore.",
    _JOBS,
    ("flow_id", "outcome"),
    "standard",
)
FLOW_RETRIES_TOTAL = Metric(
    "celigo_flow_retries_total",
    "counter",
    "Retry jobs of the flow that ended, by final status; they are not part of celigo_flow_runs_total.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
RUNS_UNKNOWN_TOTAL = Metric(
    "celigo_runs_unknown_total",
    "counter",
    "Jobs in progress that the API has no longer, so that their end is in no other counter, by job type.",
    _JOBS,
    ("type",),
)
INTEGRATION_RUNS_TOTAL = Metric(
    "celigo_integration_runs_total",
    "counter",
    "Runs of the integration's flows that ended, by final status; each counted once.",
    _JOBS,
    ("integration_id", "status"),
)
INTEGRATION_RECORDS_TOTAL = Metric(
    "celigo_integration_records_total",
    "counter",
    "Records of the integration's ended runs by outcome: sums of numSuccess, numError and numIgnore.",
    _JOBS,
    ("integration_id", "outcome"),
)
INTEGRATION_RUN_DURATION_SECONDS = Metric(
    "celigo_integration_run_duration_seconds",
    "histogram",
    "How long the integration's ended runs took, from startedAt to endedAt.",
    _JOBS,
    ("integration_id",),
    buckets=(1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0),
)
RUN_QUEUE_WAIT_SECONDS = Metric(
    "celigo_run_queue_wait_seconds",
    "histogram",
    "How long the integration's ended runs waited before they began, from createdAt to startedAt.",
    _JOBS,
    ("integration_id",),
    buckets=(1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0),
)
FLOW_LAST_RUN_DURATION_SECONDS = Metric(
    "celigo_flow_last_run_duration_seconds",
    "gauge",
    "How long the flow's newest ended run took; absent when it never started.",
    _JOBS,
    ("flow_id",),
    "standard",
)
FLOW_LAST_RUN_STATUS = Metric(
    "celigo_flow_last_run_status",
    "gauge",
    "Final status of the flow's newest ended run: 1 for the one it has, 0 for the others.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
FLOW_LAST_RUN_RECORDS = Metric(
    "celigo_flow_last_run_records",
    "gauge",
    "Records of the flow's newest ended run by outcome.",
    _JOBS,
    ("flow_id", "outcome"),
    "standard",
)
FLOW_BASELINE_RUN_DURATION_SECONDS = Metric(
    "celigo_flow_baseline_run_duration_seconds",
    "gauge",
    "How long the flow's runs take: the 95th percentile of its newest 50 ended runs; absent below 5.",
    _JOBS,
    ("flow_id",),
    "standard",
)
FLOW_CONSECUTIVE_FAILED_RUNS = Metric(
    "celigo_flow_consecutive_failed_runs",
    "gauge",
    "Failed runs of the flow since its newest completed one.",
    _JOBS,
    ("flow_id",),
)
FLOW_CONSECUTIVE_EMPTY_RUNS = Metric(
    "celigo_flow_consecutive_empty_runs",
    "gauge",
    "Completed runs of the flow without any record since its newest completed run that had some.",
    _JOBS,
    ("flow_id",),
    "standard",
)
FLOW_BASELINE_MAX_EMPTY_RUNS = Metric(
    "celigo_flow_baseline_max_empty_runs",
    "gauge",
    "Longest streak of completed runs without any record in the flow's history as far as read.",
    _JOBS,
    ("flow_id",),
    "full",
)
FLOW_ACTIVE_RUNS = Metric(
    "celigo_flow_active_runs",
    "gauge",
    "Runs of the flow in progress by status; only for flows that have one.",
    _ACTIVE,
    ("flow_id", "status"),
)
FLOW_OLDEST_ACTIVE_RUN_START_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_oldest_active_run_start_timestamp_seconds",
    "gauge",
    "Start of the flow's oldest run in progress of this status, its creation while it is queued.",
    _ACTIVE,
    ("flow_id", "status"),
)
FLOW_ACTIVE_RUN_PROGRESS_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_active_run_progress_timestamp_seconds",
    "gauge",
    "When a page or record counter of the flow's run in progress last moved; the longest ago of several runs.",
    _ACTIVE,
    ("flow_id",),
)
ACTIVE_RUNS = Metric(
    "celigo_active_runs",
    "gauge",
    "Runs of the account in progress by status.",
    _ACTIVE,
    ("status",),
)
STEP_RECORDS_TOTAL = Metric(
    "celigo_step_records_total",
    "counter",
    "Records of a step in the flow's ended runs by outcome; for the flows that the configuration names.",
    "GET /v1/jobs/{jobId}/family",
    ("flow_id", "step_id", "outcome"),
    "full",
)
