"""Runs: the jobs list, jobs in progress, single jobs and families (contract 3.7, 3.8)."""

from collections.abc import Callable, Iterable, Iterator

from exporter.simulator.engine import Engine
from exporter.simulator.messages import Answer, Refused, Request, bad_query, envelope, json_body, not_found
from exporter.simulator.paging import Cursor, body_page, cut
from exporter.simulator.resources import Flow, JsonObject
from exporter.simulator.runs import FINISHED, IN_PROGRESS, Run
from exporter.simulator.timestamps import parse_instant

_TYPES = frozenset({"flow", "export", "import", "retry", "bulk_retry"})
_CHILD_TYPES = frozenset({"export", "import"})
_PARENT_FILTERS = (
    "_integrationId", "_flowId", "_exportId", "_importId", "_flowJobId", "_parentJobId", "createdAt_gte",
    "createdAt_lte",
)  # fmt: skip
_CHILD_FILTERS = ("_flowJobId", "_parentJobId", "_exportId", "_importId")
_COUNT_FILTERS = {
    f"{field}_{bound}": (field, bound)
    for field in ("numError", "numSuccess", "numIgnore", "numExport", "numResolved")
    for bound in ("gte", "lte")
}

RunFilter = Callable[[Run], bool]
RowFilter = Callable[[JsonObject], bool]


def list_jobs(engine: Engine, request: Request) -> Answer:
    """Answer GET /v1/jobs: newest `createdAt` first, cut at the page size, no page link."""
    kind, status = _choice(request, "type", _TYPES), _choice(request, "status", IN_PROGRESS | FINISHED)
    wanted_filters = _CHILD_FILTERS if kind in _CHILD_TYPES else _PARENT_FILTERS
    if not any(request.get(name) for name in wanted_filters):
        raise bad_query(f"One of {', '.join(wanted_filters)} is needed.")
    children = kind in _CHILD_TYPES or (kind is None and _parent_id(request) is not None)
    rows = _child_rows(engine, request, kind) if children else _parent_rows(engine, request, kind)
    keep = _row_filter(request)
    page: list[JsonObject] = []
    for row in rows:
        if (status is None or row["status"] == status) and keep(row):
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
    flows = [flow for flow in engine.account.live_flows() if (flow.integration_id or "none") == wanted]
    rows = [job_row(engine, run) for flow in flows for run in _latest(engine, flow)]
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


def posted(engine: Engine, request: Request) -> tuple[Cursor | None, JsonObject]:
    """Return cursor and body of a reading POST or of the fetch of its next page.

    Which method the next page takes is an option, as nobody knows (contract 1.6);
    the other one gets 405. A next page asked for by GET repeats the first body.
    """
    cursor = Cursor.read(request)
    mode = engine.options.next_page_method
    if request.method == "GET" and (cursor is None or mode == "POST"):
        raise Refused(envelope(405, "method_not_allowed", "Use POST.", (("Allow", "POST"),)))
    if request.method == "POST" and cursor is not None and mode == "GET":
        raise Refused(envelope(405, "method_not_allowed", "Use GET.", (("Allow", "GET"),)))
    if request.method == "GET" and cursor is not None:
        return cursor, cursor.body
    return cursor, json_body(request)


def flow_filter(body: JsonObject) -> Callable[[Flow, str | None], bool]:
    """Return which flows a posted filter selects; refuses bad filters with 400."""
    integrations, flows = _ids(body, "_integrationIds"), _ids(body, "_flowIds")
    if integrations is not None and flows is not None:
        raise bad_query("_integrationIds and _flowIds cannot be combined.")
    sandbox = body.get("sandbox")
    if sandbox is not None and not isinstance(sandbox, bool):
        raise bad_query("sandbox must be true or false.")

    def keep(flow: Flow, integration_id: str | None) -> bool:
        return (
            (sandbox is None or flow.sandbox == sandbox)
            and (integrations is None or (integration_id or "none") in integrations)
            and (flows is None or flow.id in flows)
        )

    return keep


def status_list(body: JsonObject, known: frozenset[str]) -> frozenset[str]:
    """Return the wanted statuses, all known ones by default; refuses others with 400."""
    wanted = _ids(body, "status")
    if wanted is None:
        return known
    if not wanted <= known:
        raise bad_query(f"status takes {', '.join(sorted(known))}.")
    return wanted


def _ids(body: JsonObject, name: str) -> frozenset[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_query(f"{name} must be a list of strings.")
    return frozenset(value)


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


def _parent_id(request: Request) -> str | None:
    return request.get("_flowJobId") or request.get("_parentJobId")


def _parent_rows(engine: Engine, request: Request, kind: str | None) -> Iterator[JsonObject]:
    keep = _run_filter(request, kind)
    for run in _window(engine, request):
        if keep(run):
            yield job_row(engine, run)


def _child_rows(engine: Engine, request: Request, kind: str | None) -> Iterator[JsonObject]:
    parent_id = _parent_id(request)
    step_id = request.get("_exportId") or request.get("_importId")
    runs: Iterable[Run] = _window(engine, request)
    if parent_id is not None:
        found = engine.runs.get(parent_id) if len(parent_id) == 24 else None
        runs = [found[0]] if found is not None and found[1] == 0 else []
    for run in runs:
        for child in run.children(engine.now_ms, engine.options.retention_ms):
            own_step = child.get("_exportId") or child.get("_importId")
            if (kind is None or child["type"] == kind) and (step_id is None or own_step == step_id):
                yield child


def _window(engine: Engine, request: Request) -> Iterator[Run]:
    gte, lte = _instant(request, "createdAt_gte"), _instant(request, "createdAt_lte")
    flow_id = request.get("_flowId")
    if flow_id is None:
        yield from engine.runs.newest_first(gte, lte)
        return
    for run in sorted(engine.runs.of_flow(flow_id), key=lambda run: run.created_ms, reverse=True):
        if (gte is None or run.created_ms >= gte) and (lte is None or run.created_ms <= lte):
            yield run


def _run_filter(request: Request, kind: str | None) -> RunFilter:
    integration_id = request.get("_integrationId")
    step_ids = {value for name in ("_exportId", "_importId") if (value := request.get(name))}
    parent_id = _parent_id(request)
    gte, lte = _instant(request, "startedAt_gte"), _instant(request, "startedAt_lte")

    def keep(run: Run) -> bool:
        started = run.started_ms
        return (
            (kind is None or run.kind == kind)
            and (integration_id is None or (run.integration_id or "none") == integration_id)
            and (not step_ids or any(step.id in step_ids for step in run.flow.steps))
            and (parent_id is None or run.id == parent_id)
            and (gte is None or (started is not None and started >= gte))
            and (lte is None or (started is not None and started <= lte))
        )

    return keep


def _row_filter(request: Request) -> RowFilter:
    bounds: list[tuple[str, str, int]] = []
    for name, (field, bound) in _COUNT_FILTERS.items():
        text = request.get(name)
        if text is None:
            continue
        if not text.isascii() or not text.isdigit():
            raise bad_query(f"{name} must be a number.")
        bounds.append((field, bound, int(text)))

    def keep(row: JsonObject) -> bool:
        for field, bound, limit in bounds:
            value = row.get(field, 0)
            if not isinstance(value, int) or (value < limit if bound == "gte" else value > limit):
                return False
        return True

    return keep


def _choice(request: Request, name: str, known: frozenset[str]) -> str | None:
    values = request.get_all(name)
    if not values:
        return None
    # One value only: CLI refuses a list, and so does this account (contract 3.7).
    if len(values) > 1 or values[0] not in known:
        raise bad_query(f"{name} takes one of {', '.join(sorted(known))}.")
    return values[0]


def _instant(request: Request, name: str) -> int | None:
    text = request.get(name)
    if text is None:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise bad_query(f"{name} is not a timestamp.") from None
