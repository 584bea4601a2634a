"""The HTTP application: `/metrics`, `/probe`, `/sd`, `/-/healthy`, `/-/ready`, and the page at `/`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.config.address import PROBE_PATH, SD_PATH
from exporter.expose.document import Body
from exporter.expose.negotiate import accepts_gzip, choose_format
from exporter.serve.discovery import discovered
from exporter.serve.fleet import Fleet
from exporter.serve.lifecycle import reload_endpoint
from exporter.serve.page.endpoint import PageEndpoint
from exporter.serve.request_log import RequestLog
from exporter.serve.roster import Group, Roster
from exporter.serve.scrape import (
    ACCOUNT,
    PARAMETERS,
    BadSelection,
    check_parameters,
    chosen_account,
    refresh,
    selection,
    wait_seconds,
)

_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def build_app(fleet: Fleet) -> Starlette:
    """The application that serves `fleet`. HEAD is answered wherever GET is; other methods get 405, other paths 404."""
    endpoints = _Endpoints(fleet)
    routes = [
        Route(fleet.settings.web.telemetry_path, endpoints.metrics, methods=["GET"]),
        Route(PROBE_PATH, endpoints.probe, methods=["GET"]),
        Route(SD_PATH, endpoints.discovery, methods=["GET"]),
        Route("/-/healthy", endpoints.healthy, methods=["GET"]),
        Route("/-/ready", endpoints.ready, methods=["GET"]),
        Route("/-/reload", reload_endpoint(fleet.reload_requests.request, fleet.settings.web), methods=["POST", "PUT"]),
        Route("/", PageEndpoint(fleet).answer, methods=["GET"]),
    ]
    # The request's id is given first, so that the lines of everything within carry it.
    logged = Middleware(RequestLog, paths=[route.path for route in routes], clock=fleet.clock)
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused}, middleware=[logged])
    # A redirect of `/metrics/` would name whatever host the caller sent.
    app.router.redirect_slashes = False
    return app


class _Endpoints:
    """The handlers. None of them but `metrics` and `probe` starts anything."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def metrics(self, request: Request) -> Response:
        """All accounts and what belongs to none."""
        return await self._scraped(request, PARAMETERS, lambda roster: roster)

    async def probe(self, request: Request) -> Response:
        """One account and nothing else."""
        names = request.query_params.getlist(ACCOUNT)
        return await self._scraped(request, (*PARAMETERS, ACCOUNT), lambda roster: chosen_account(roster, names))

    async def _scraped(
        self, request: Request, parameters: Sequence[str], choose: Callable[[Roster], Group]
    ) -> Response:
        """What is known of the chosen accounts, after what was due of them was given its time."""
        query = request.query_params
        roster = self._fleet.roster  # a reload meanwhile must not mix two of them
        try:
            check_parameters(query.keys(), parameters)
            wanted = selection(query.getlist("collect[]"), query.getlist("exclude[]"))
            group = choose(roster)
        except BadSelection as bad:
            return PlainTextResponse(f"{bad}\n", bad.status, _NO_SNIFF)
        timeout = request.headers.get("X-Prometheus-Scrape-Timeout-Seconds")
        await refresh(self._fleet, group, wanted, wait_seconds(timeout, roster.settings.web.timeout_offset))
        fmt = choose_format(request.headers.get("Accept"))
        compressed = accepts_gzip(request.headers.get("Accept-Encoding"))
        make = partial(group.content, wanted, fmt, compressed=compressed)
        body = await to_thread.run_sync(make)
        headers = {"Content-Type": body.content_type, "Vary": "Accept, Accept-Encoding", **_NO_SNIFF}
        if body.encoding is not None:
            headers["Content-Encoding"] = body.encoding
        return _Lent(body, headers)

    async def discovery(self, request: Request) -> Response:
        """A target for each account, as Prometheus' HTTP service discovery takes them."""
        settings = self._fleet.settings
        try:
            groups = discovered(settings, request.query_params, request.headers.getlist("Host"), request.url.scheme)
        except BadSelection as bad:
            return PlainTextResponse(f"{bad}\n", bad.status, _NO_SNIFF)
        # The address in it is the one that this client asked; another one's cache must not hand it out.
        return JSONResponse(groups, headers={"Cache-Control": "no-store", **_NO_SNIFF})

    async def healthy(self, _: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("celigo-exporter is healthy.\n", headers=_NO_SNIFF)

    async def ready(self, _: Request) -> Response:
        """Every account has its first snapshot, whatever the API said."""
        if self._fleet.ready:
            return PlainTextResponse("celigo-exporter is ready.\n", headers=_NO_SNIFF)
        return PlainTextResponse("The first collection is under way.\n", 503, _NO_SNIFF)


class _Lent(Response):
    """Holds the document while it is sent, so that others who want it meanwhile get the same."""

    def __init__(self, document: Body, headers: Mapping[str, str]) -> None:
        super().__init__(document.content, headers=headers)
        self._document = document


async def _refused(_: Request, error: Exception) -> Response:
    """404 and 405 as one plain line."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    texts = {404: "not found; see / for what is here\n", 405: f"only {headers.get('Allow', 'GET')} here\n"}
    return PlainTextResponse(texts.get(status, "failed\n"), status, {**headers, **_NO_SNIFF})
