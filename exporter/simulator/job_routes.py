"""Runs: the jobs list, jobs in progress, single jobs and families (contract 3.7, 3.8)."""

from collections.abc import Iterable, Iterator

from exporter.simulator.engine import Engine
from exporter.simulator.job_filters import parent_id, refuse_mixed_backends, row_filter, run_filter, visible_filter
from exporter.simulator.messages import Answer, Request, bad_query, not_found
from exporter.simulator.paging import Cursor, body_page, cut
from exporter.simulator.posted_filters import flow_filter, posted, status_list
from exporter.simulator.query import choice, instant
from exporter.simulator.resources import Flow, JsonObject
from exporter.simulator.runs import FINISHED, IN_PROGRESS, Run

_TYPES = frozenset({"flow", "export", "import", "retry", "bulk_retry"})
_CHILD_TYPES = frozenset({"export", "import"})
_PARENT_FILTERS = (
    "_integrationId", "_flowId", "_exportId", "_importId", "_flowJobId", "_parentJobId", "createdAt_gte",
    "createdAt_lte",
)  # fmt: skip
_CHILD_FILTERS = ("_flowJobId", "_parentJobId", "_exportId", "_importId")


def list_jobs(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/jobs: newest `createdAt` first, cut at the page size, no page link."""
    kind = choice(request, "type", _TYPES)
    wanted_filters = _CHILD_FILTERS if kind in _CHILD_TYPES else _PARENT_FILTERS
    if not any(request.get(name) for name in wanted_filters):
        raise bad_query(f"One of {', '.join(wanted_filters)} is needed.")
    refuse_mixed_backends(request)
    children = kind in _CHILD_TYPES or (kind is None and parent_id(request) is not None)
    rows = _child_rows(engine, request, kind) if children else _parent_rows(engine, request, kind)
    keep = row_filter(request)
    # Late rows are left out before the page is cut, as by an index that lags behind: taken from
    # a cut page, they would make it shorter than the first one, which tells a client to stop.
    seen = visible_filter(request, engine.now_ms)
    page: list[JsonObject] = []
    for row in rows:
        if keep(row) and seen(row):
            page.append(row)
        if len(page) == engine.options.job_page_size:
            break
    return Answer(200, page) if page else Answer(204)


def get_job(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/jobs/{jobId}, for runs and for their steps."""
    run, number = _find(engine, request)
    if number == 0:
        return Answer(200, job_row(engine, run))
    children = run.children(engine.now_ms, engine.options.retention_ms)
    if not 0 < number <= len(children):
        raise not_found("The job")
    return Answer(200, children[number - 1])


def get_family(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/jobs/{jobId}/family: the run with its `children`."""
    run, number = _find(engine, request)
    if number:
        raise not_found("The job")
    content = job_row(engine, run)
    content["children"] = run.children(engine.now_ms, engine.options.retention_ms)
    return Answer(200, content)


def latest_of_flow(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/flows/{flowId}/jobs/latest: one row per generator."""
    flow = engine.account.flow_by_id.get(request.params["flowId"])
    if flow is None or flow.deleted:
        raise not_found("The flow")
    rows = [job_row(engine, run) for run in _latest(engine, flow)]
    return Answer(200, rows) if rows else Answer(204)


def latest_of_integration(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/integrations/{integrationId}/jobs/latest."""
    wanted = request.params["integrationId"]
    if wanted != "none" and wanted not in engine.account.integration_by_id:
        raise not_found("The integration")
    rows = [job_row(engine, run) for flow in engine.account.live_flows_of(wanted) for run in _latest(engine, flow)]
    return Answer(200, rows) if rows else Answer(204)


def current_jobs(engine: Engine, request: Request) -> Answer:
    """Answer POST /v1/jobs/current: everything in progress."""
    cursor, body = posted(engine, request)
    keep = flow_filter(body)
    statuses = status_list(body, IN_PROGRESS)
    active = [r for r in engine.runs.active.values() if r.status in statuses and keep(r.flow, r.integration_id)]
    active.sort(key=_current_key)
    page, last = cut(active, _current_key, cursor, engine.options.page_size)
    following = Cursor((cursor.page if cursor else 0) + 1, *_current_key(last), body) if last else None
    return body_page(request, "jobs", [job_row(engine, run) for run in page], following)


def job_row(engine: Engine, run: Run) -> JsonObject:
    """Return the row of a run as of now."""
    return run.row(engine.now_ms, engine.options.retention_ms)


def _current_key(run: Run) -> tuple[int, str]:
    return (-run.created_ms, run.id)


def _find(engine: Engine, request: Request) -> tuple[Run, int]:
    job_id = request.params["jobId"]
    try:
        found = engine.runs.get(job_id) if len(job_id) == 24 else None
    except ValueError:
        found = None
    if found is None:
        raise not_found("The job")
    return found


def _latest(engine: Engine, flow: Flow) -> Iterator[Run]:
    seen: set[str] = set()
    for run in reversed(engine.runs.of_flow(flow.id)):
        if run.kind == "flow" and run.step_id not in seen:
            seen.add(run.step_id)
            yield run


def _parent_rows(engine: Engine, request: Request, kind: str | None) -> Iterator[JsonObject]:
    keep = run_filter(request, kind, choice(request, "status", IN_PROGRESS | FINISHED))
    for run in _window(engine, request):
        if keep(run):
            yield job_row(engine, run)


def _child_rows(engine: Engine, request: Request, kind: str | None) -> Iterator[JsonObject]:
    run_id = parent_id(request)
    step_id = request.get("_exportId") or request.get("_importId")
    status = choice(request, "status", IN_PROGRESS | FINISHED)
    runs: Iterable[Run] = _window(engine, request)
    if run_id is not None:
        found = engine.runs.get(run_id) if len(run_id) == 24 else None
        runs = [found[0]] if found is not None and found[1] == 0 else []
    for run in runs:
        for child in run.children(engine.now_ms, engine.options.retention_ms):
            if status not in (None, child["status"]):
                continue
            own_step = child.get("_exportId") or child.get("_importId")
            if (kind is None or child["type"] == kind) and (step_id is None or own_step == step_id):
                yield child


def _window(engine: Engine, request: Request) -> Iterator[Run]:
    gte, lte = instant(request, "createdAt_gte"), instant(request, "createdAt_lte")
    flow_id = request.get("_flowId")
    if flow_id is None:
        yield from engine.runs.newest_first(gte, lte)
        return
    for run in sorted(engine.runs.of_flow(flow_id), key=lambda run: run.created_ms, reverse=True):
        if (gte is None or run.created_ms >= gte) and (lte is None or run.created_ms <= lte):
            yield run
