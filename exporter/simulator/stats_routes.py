"""Run statistics per flow over a window (contract 3.9)."""

from exporter.simulator.engine import Engine
from exporter.simulator.messages import Answer, Request, bad_query
from exporter.simulator.options import DAY_MS
from exporter.simulator.paging import Cursor, body_page, cut
from exporter.simulator.posted_filters import flow_filter, posted, status_list
from exporter.simulator.resources import Flow, JsonObject
from exporter.simulator.runs import FINISHED, Run
from exporter.simulator.timestamps import iso

# The clocks of client and account may differ a little.
_GRACE_MS = 60_000
# No run but a stuck one takes longer; older ones need not be looked at.
_LONGEST_MS = 2 * DAY_MS


def run_stats(engine: Engine, request: Request) -> Answer:
    """Answer POST /v1/flows/runs/stats; one row per flow with a finished run in the window."""
    cursor, body = posted(engine, request)
    keep = flow_filter(body)
    statuses = status_list(body, FINISHED)
    gt_ms, lte_ms = _window(engine, body)
    found = [
        (flow, runs)
        for flow in engine.account.live_flows()
        if keep(flow, flow.integration_id) and (runs := _finished(engine, flow, gt_ms, lte_ms, statuses))
    ]
    page, last = cut(found, _key, cursor, engine.options.page_size)
    following = Cursor((cursor.page if cursor else 0) + 1, *_key(last), body) if last else None
    rows = [_row(engine, flow, runs, gt_ms, lte_ms) for flow, runs in page]
    return body_page(request, "stats", rows, following)


def _window(engine: Engine, body: JsonObject) -> tuple[int, int]:
    lte_ms = _time(body, "time_lte", engine.now_ms)
    gt_ms = _time(body, "time_gt", lte_ms - DAY_MS)
    if lte_ms > engine.now_ms + _GRACE_MS:
        raise bad_query("time_lte lies in the future.")
    return gt_ms, lte_ms


def _time(body: JsonObject, name: str, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_query(f"{name} must be epoch milliseconds.")
    return value


def _finished(engine: Engine, flow: Flow, gt_ms: int, lte_ms: int, statuses: frozenset[str]) -> list[Run]:
    rows: list[Run] = []
    for run in reversed(engine.runs.of_flow(flow.id)):
        if run.created_ms < gt_ms - _LONGEST_MS:
            break
        in_window = run.ended_ms is not None and gt_ms < run.ended_ms <= lte_ms
        if in_window and run.kind == "flow" and run.status in statuses:
            rows.append(run)
    return rows


def _key(entry: tuple[Flow, list[Run]]) -> tuple[int, str]:
    return (entry[0].ordinal, entry[0].id)


def _row(engine: Engine, flow: Flow, runs: list[Run], gt_ms: int, lte_ms: int) -> JsonObject:
    resolved = {"auto": 0, "user": 0}
    for resolution in engine.errors.resolutions(flow.id, gt_ms, lte_ms):
        resolved[resolution.by] += resolution.count
    durations = [run.ended_ms - run.started_ms for run in runs if run.ended_ms and run.started_ms]
    last_error_ms = engine.errors.last_ms(flow.id)
    row: JsonObject = {
        "_flowId": flow.id,
        "numRuns": len(runs),
        "avgRuntime": sum(durations) / len(durations) if durations else None,
        "lastExecutedAt": iso(max(run.started_ms or run.created_ms for run in runs)),
        "numSuccess": sum(run.num_success for run in runs),
        "numError": sum(run.num_error for run in runs),
        "numIgnore": sum(run.num_ignore for run in runs),
        "numResolvedByAuto": resolved["auto"],
        "numResolvedByUser": resolved["user"],
        "numOpenError": engine.errors.open_count(flow.id),
        "numPages": sum(run.plan.pages for run in runs),
    }
    if flow.integration_id is not None:
        row["_integrationId"] = flow.integration_id
    if last_error_ms is not None:
        row["lastErrorAt"] = iso(last_error_ms)
    return row
