"""The typed client of one account: every call of the contract that the exporter makes, and no other."""

import random
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Literal, Self, TypeVar

import msgspec

from exporter.api.bodies import DecodedBodies
from exporter.api.budget import Budget, Shared
from exporter.api.cache import LIFETIMES, ListingCache
from exporter.api.caller import Caller
from exporter.api.decode import Rows, decode_keyed_rows, decode_one, decode_optional, decode_rows, row_decoder
from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import BadRequest
from exporter.api.listing import Listing, Page
from exporter.api.models import (
    CONNECTION_BLOCKS,
    Connection,
    ErrorRecord,
    Flow,
    FlowErrorCount,
    Instant,
    Integration,
    Job,
    LastExport,
    Row,
    RunStats,
    Step,
    StepErrorCount,
    StepJob,
    TokenInfo,
)
from exporter.api.models_governance import Agent, AuditEntry, EntitlementUsage, License, Notification
from exporter.api.paging import Fetch, RawPage, iso, job_window_pages, link_next, linked_pages, next_target
from exporter.api.refresh import Refresh
from exporter.api.server_clock import ServerClock
from exporter.api.telemetry import Telemetry
from exporter.api.token import TokenProvider
from exporter.api.transport import Transport
from exporter.clock import Clock
from exporter.config.settings import Account, Limits

R = TypeVar("R", bound=Row)

_INCLUDES = {
    Endpoint.FLOWS: "disabled,_integrationId,schedule,timezone,lastExecutedAt,createdAt,lastModified,sandbox,"
    "pageGenerators,pageProcessors,routers,_runNextFlowIds,_exportId,_importId",
    Endpoint.INTEGRATIONS: "sandbox,lastModified",
    Endpoint.CONNECTIONS: "type,offline,sandbox,_agentId,queues,queueSize,debugDate,"
    + ",".join(f"{block}.concurrencyLevel" for block in CONNECTION_BLOCKS),
    Endpoint.EXPORTS: "adaptorType,_connectionId,type",
    Endpoint.IMPORTS: "adaptorType,_connectionId",
    Endpoint.AGENTS: "online,offline,lastHeartbeatAt",
}
"""Projections (contract 1.7): they save bytes; what is read is decided by the rows' fields alone."""

_WHOLE_ACCOUNT = b"{}"


class CeligoClient:
    """Client of one account. Thread-safe; `close` it, or use it in `with`.

    Every method raises a leaf of `ApiError` when the call failed, after the retries that its deadline allows.

    `budget` is the one that held for the account until now, `shared` what other exporters take from, too. `before` is a
    client of the same API and token: what it learned is known here. It keeps its connections, and is closed by its
    owner.
    """

    def __init__(
        self,
        account: Account,
        limits: Limits,
        token: TokenProvider,
        clock: Clock,
        telemetry: Telemetry,
        *,
        uniform: Callable[[], float] = random.random,
        budget: Budget | None = None,
        shared: Shared | None = None,
        before: "CeligoClient | None" = None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._telemetry = telemetry
        if budget is None or budget.rate != account.rate_limit:
            shared = shared or (budget.shared if budget is not None else None)
            budget = Budget(account.rate_limit, clock, telemetry.waited, budget, shared)
        self.budget = budget
        self._transport = Transport(account.base_url, limits)
        self._server: ServerClock = ServerClock(clock) if before is None else before._server
        self._caller = Caller(self._transport, self.budget, token, limits, clock, telemetry, uniform, self._server)
        self._cache: ListingCache = ListingCache(clock, telemetry, None if before is None else before._cache)
        self._bodies = DecodedBodies()
        self._unprojected: set[Endpoint] = set() if before is None else set(before._unprojected)

    def token_info(self, refresh: Refresh) -> TokenInfo:
        """Who the token belongs to; the cheapest call (contract 3.1)."""
        answer = self._caller.answer(Call(Endpoint.TOKEN_INFO), None, refresh)
        return self._caller.judged(Endpoint.TOKEN_INFO, lambda: decode_one(answer.body, TokenInfo, Endpoint.TOKEN_INFO))

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        """All integrations (contract 3.2). Cached."""
        return self._projected(Call(Endpoint.INTEGRATIONS), Integration, refresh)

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        """All flows (contract 3.4). Cached."""
        return self._projected(Call(Endpoint.FLOWS), Flow, refresh)

    def connections(self, refresh: Refresh) -> Listing[Connection]:
        """All connections with their queues (contract 3.10)."""
        call = Call(Endpoint.CONNECTIONS, query=(("fetchQueueSize", "true"),))
        return self._projected(call, Connection, refresh)

    def exports(self, refresh: Refresh) -> Listing[Step]:
        """Names of all exports (contract 3.12). Cached."""
        return self._projected(Call(Endpoint.EXPORTS), Step, refresh)

    def imports(self, refresh: Refresh) -> Listing[Step]:
        """Names of all imports (contract 3.12). Cached."""
        return self._projected(Call(Endpoint.IMPORTS), Step, refresh)

    def job_pages(
        self,
        refresh: Refresh,
        *,
        kind: Literal["flow", "retry"],
        created_gte: float,
        created_lte: float | None = None,
        integration_id: str | None = None,
    ) -> Generator[Page[Job], None, None]:
        """Jobs created in a window of Unix seconds, newest first; each page is asked for when taken (contract 3.7)."""
        fixed = [("type", kind), ("createdAt_gte", iso(created_gte))]
        if integration_id is not None:
            fixed.append(("_integrationId", integration_id))

        def call_for(upper: str | None) -> Call:
            bound = [] if upper is None else [("createdAt_lte", upper)]
            return Call(Endpoint.JOBS, query=(*fixed, *bound))

        fetch = self._fetch_array(call_for(None), Job, refresh)
        upper = None if created_lte is None else iso(created_lte)
        for page in job_window_pages(call_for, fetch, upper, self._limits.pages):
            yield _noted(page, refresh)

    def current_jobs(self, refresh: Refresh) -> Listing[Job]:
        """Every job in progress (contract 3.8)."""
        call = Call(Endpoint.JOBS_CURRENT, body=_WHOLE_ACCOUNT)
        return self._listed(call, self._fetch_keyed(call, "jobs", Job, refresh), _row_id, refresh)

    def job(self, refresh: Refresh, job_id: str) -> Job:
        """One job (contract 3.7). Raises NotFound when it was purged."""
        answer = self._caller.answer(Call(Endpoint.JOB, (job_id,)), None, refresh)
        return self._caller.judged(Endpoint.JOB, lambda: decode_one(answer.body, Job, Endpoint.JOB))

    def job_family(self, refresh: Refresh, job_id: str) -> Listing[StepJob]:
        """The steps of one run with their own counts (contract 3.7). Raises NotFound when the run was purged."""
        call = Call(Endpoint.JOB_FAMILY, (job_id,))
        return self._listed(call, self._fetch_keyed(call, "children", StepJob, refresh), _row_id, refresh)

    def last_export(self, refresh: Refresh, flow_id: str) -> Instant | None:
        """Up to when the delta export of a flow has read; None, or NotFound, for a flow without one (contract 3.14)."""
        endpoint = Endpoint.LAST_EXPORT
        answer = self._caller.answer(Call(endpoint, (flow_id,)), None, refresh)
        told = self._caller.judged(endpoint, lambda: decode_optional(answer.body, LastExport, endpoint))
        return None if told is None else told.at

    def integration_errors(self, refresh: Refresh, integration_id: str) -> Listing[FlowErrorCount]:
        """Open errors of each flow of an integration, or of `none` (contract 3.3)."""
        call = Call(Endpoint.INTEGRATION_ERRORS, (integration_id,))
        fetch = self._fetch_array(call, FlowErrorCount, refresh)
        return self._listed(call, fetch, lambda row: row.flow_id, refresh)

    def flow_errors(self, refresh: Refresh, flow_id: str) -> Listing[StepErrorCount]:
        """Open errors of each step of a flow (contract 3.5)."""
        call = Call(Endpoint.FLOW_ERRORS, (flow_id,))
        fetch = self._fetch_keyed(call, "flowErrors", StepErrorCount, refresh)
        return self._listed(call, fetch, lambda row: row.step_id, refresh)

    def step_errors(self, refresh: Refresh, flow_id: str, step_id: str, *, max_pages: int) -> Listing[ErrorRecord]:
        """Open error records of a step, at most `max_pages` pages of them (contract 3.6)."""
        call = Call(Endpoint.STEP_ERRORS, (flow_id, step_id))
        fetch = self._fetch_keyed(call, "errors", ErrorRecord, refresh)
        # A sample on purpose: reaching its bound is no truncated listing to warn about.
        return self._listed(call, fetch, _row_id, refresh, max_pages=min(max_pages, self._limits.pages), sample=True)

    def run_stats(self, refresh: Refresh, *, since: float, until: float) -> Listing[RunStats]:
        """What happened to each flow that ran in (`since`, `until`], Unix seconds to the millisecond (contract 3.9).

        `until` must not be in the server's future.
        """
        body = msgspec.json.encode({"time_gt": round(since * 1000), "time_lte": round(until * 1000)})
        call = Call(Endpoint.RUN_STATS, body=body)
        fetch = self._fetch_keyed(call, "stats", RunStats, refresh)
        return self._listed(call, fetch, lambda row: row.flow_id, refresh)

    def agents(self, refresh: Refresh) -> Listing[Agent]:
        """All on-premise agents (contract 3.13)."""
        return self._projected(Call(Endpoint.AGENTS), Agent, refresh)

    def licenses(self, refresh: Refresh) -> Listing[License]:
        """All licences (contract 3.15)."""
        return self._read_array(Call(Endpoint.LICENSES), License, refresh)

    def entitlement_usage(self, refresh: Refresh) -> EntitlementUsage | None:
        """What is used of what the licences allow; None for an empty answer (contract 3.15)."""
        endpoint = Endpoint.ENTITLEMENT_USAGE
        answer = self._caller.answer(Call(endpoint), None, refresh)
        return self._caller.judged(endpoint, lambda: decode_optional(answer.body, EntitlementUsage, endpoint))

    def notifications(self, refresh: Refresh) -> Listing[Notification]:
        """The subscriptions of all users (contract 3.16)."""
        return self._read_array(Call(Endpoint.NOTIFICATIONS, query=(("users", "all"),)), Notification, refresh)

    def audit_pages(
        self, refresh: Refresh, *, since: float, until: float | None = None, max_pages: int
    ) -> Generator[Page[AuditEntry], None, None]:
        """Entries of the audit log between two instants in Unix seconds, both included, in any order (contract 3.17).

        At most `max_pages` pages. Reaching that bound is no truncated listing yet: the caller may ask for less at once.
        """
        bounds = [("from", since)] + ([] if until is None else [("to", until)])
        call = Call(Endpoint.AUDIT, query=tuple((name, iso(at)) for name, at in bounds))
        fetch = self._fetch_array(call, AuditEntry, refresh)
        for page in linked_pages(call, fetch, _row_id, min(max_pages, self._limits.pages)):
            yield _noted(page, refresh, sample=True)

    def server_now(self) -> float:
        """Unix seconds by the server's clock as far as known."""
        return self._server.now()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _projected(self, call: Call, kind: type[R], refresh: Refresh) -> Listing[R]:
        endpoint = call.endpoint

        def load() -> Listing[R]:
            if endpoint not in self._unprojected:
                included = Call(endpoint, query=(*call.query, ("include", _INCLUDES[endpoint])))
                try:
                    return self._read_array(included, kind, refresh)
                except BadRequest:
                    self._unprojected.add(endpoint)
            return self._read_array(call, kind, refresh)

        return self._cache.get((endpoint, call.ids, call.query), refresh, load)

    def _read_array(self, call: Call, kind: type[R], refresh: Refresh) -> Listing[R]:
        return self._listed(call, self._fetch_array(call, kind, refresh), _row_id, refresh)

    def _listed(
        self,
        call: Call,
        fetch: Fetch[R],
        identity: Callable[[R], str],
        refresh: Refresh,
        *,
        max_pages: int | None = None,
        sample: bool = False,
    ) -> Listing[R]:
        rows: list[R] = []
        unread: set[str] = set()
        fetched_at, complete = self._clock.monotonic(), True
        for page in linked_pages(call, fetch, identity, max_pages or self._limits.pages):
            _noted(page, refresh, sample=sample)
            rows.extend(page.rows)
            unread |= page.unread
            complete = complete and page.complete
        return Listing(tuple(rows), complete, fetched_at, unread=frozenset(unread))

    def _fetch_array(self, call: Call, kind: type[R], refresh: Refresh) -> Fetch[R]:
        decode = row_decoder(kind)

        def fetch(target: str) -> RawPage[R]:
            answer = self._caller.answer(call, target, refresh)

            def decoded() -> Rows[R]:
                return decode_rows(answer.body, decode, call.endpoint)

            def page() -> RawPage[R]:
                kept = call.endpoint in LIFETIMES
                rows = self._bodies.rows((call, target), answer.body, decoded) if kept else decoded()
                following = next_target(link_next(answer.link), call)
                return RawPage(rows.rows, rejected=rows.rejected, unread=rows.unread, next=following)

            return self._caller.judged(call.endpoint, page)

        return fetch

    def _fetch_keyed(self, call: Call, key: str, kind: type[R], refresh: Refresh) -> Fetch[R]:
        decode = row_decoder(kind)

        def fetch(target: str) -> RawPage[R]:
            answer = self._caller.answer(call, target, refresh)

            def page() -> RawPage[R]:
                rows, next_url = decode_keyed_rows(answer.body, key, decode, call.endpoint)
                following = next_target(next_url, call)
                return RawPage(rows.rows, rejected=rows.rejected, unread=rows.unread, next=following)

            return self._caller.judged(call.endpoint, page)

        return fetch


def _row_id(row: R) -> str:
    return str(row.id)  # type: ignore[attr-defined]  # every row that is listed by this has an id


def _noted(page: Page[R], refresh: Refresh, *, sample: bool = False) -> Page[R]:
    refresh.rejected.update(page.rejected)
    refresh.truncated += page.cut and not sample
    return page
