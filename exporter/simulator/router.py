"""Which function answers which path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.simulator import error_routes, governance_routes, inventory_routes, job_routes, stats_routes
from exporter.simulator.engine import Engine
from exporter.simulator.messages import Answer, Request

Handler = Callable[[Engine, Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A path template with its handlers by method."""

    template: str
    handlers: Mapping[str, Handler]

    @property
    def segments(self) -> tuple[str, ...]:
        """The template's parts between slashes."""
        return tuple(self.template.strip("/").split("/"))


def _get(template: str, handler: Handler) -> Route:
    return Route(template, {"GET": handler})


def _post(template: str, handler: Handler) -> Route:
    # GET is for next pages only; the handler refuses it otherwise.
    return Route(template, {"POST": handler, "GET": handler})


ROUTES = (
    _get("/v1/tokenInfo", inventory_routes.token_info),
    _get("/v1/integrations", inventory_routes.list_integrations),
    _get("/v1/integrations/{integrationId}", inventory_routes.get_integration),
    _get("/v1/integrations/{integrationId}/errors", error_routes.integration_errors),
    _get("/v1/integrations/{integrationId}/flows", inventory_routes.list_flows),
    _get("/v1/integrations/{integrationId}/connections", inventory_routes.list_connections),
    _get("/v1/integrations/{integrationId}/exports", inventory_routes.list_exports),
    _get("/v1/integrations/{integrationId}/imports", inventory_routes.list_imports),
    _get("/v1/integrations/{integrationId}/jobs/latest", job_routes.latest_of_integration),
    _get("/v1/flows", inventory_routes.list_flows),
    _post("/v1/flows/runs/stats", stats_routes.run_stats),
    _get("/v1/flows/{flowId}", inventory_routes.get_flow),
    _get("/v1/flows/{flowId}/errors", error_routes.flow_errors),
    _get("/v1/flows/{flowId}/lastExportDateTime", governance_routes.last_export_date_time),
    _get("/v1/flows/{flowId}/jobs/latest", job_routes.latest_of_flow),
    _get("/v1/flows/{flowId}/{stepId}/errors", error_routes.step_errors),
    _get("/v1/flows/{flowId}/{stepId}/resolved", error_routes.step_resolved),
    _get("/v1/jobs", job_routes.list_jobs),
    _post("/v1/jobs/current", job_routes.current_jobs),
    _get("/v1/jobs/{jobId}", job_routes.get_job),
    _get("/v1/jobs/{jobId}/family", job_routes.get_family),
    _get("/v1/connections", inventory_routes.list_connections),
    _get("/v1/connections/{connectionId}", inventory_routes.get_connection),
    _get("/v1/exports", inventory_routes.list_exports),
    _get("/v1/imports", inventory_routes.list_imports),
    _get("/v1/agents", inventory_routes.list_agents),
    _get("/v1/licenses", governance_routes.list_licenses),
    _get("/v1/licenseEntitlementUsage", governance_routes.entitlement_usage),
    _get("/v1/notifications", inventory_routes.list_notifications),
    _get("/v1/audit", governance_routes.list_audit),
    _get("/v1/tiles", error_routes.tiles),
)

TEMPLATES = tuple(route.template for route in ROUTES)


@dataclass(frozen=True, slots=True)
class Match:
    """A route that fits a path, and what stands in its place holders."""

    route: Route
    params: Mapping[str, str]


class Router:
    """Finds routes; a template with fewer place holders wins over one with more."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            segments = route.segments
            self._by_length.setdefault(len(segments), []).append((segments, route))

    def match(self, path: str) -> Match | None:
        """Return the route of a path, None for an unknown path."""
        if not path.startswith("/") or path.endswith("/"):
            return None
        parts = tuple(path[1:].split("/"))
        for segments, route in self._by_length.get(len(parts), ()):
            params: dict[str, str] = {}
            for segment, part in zip(segments, parts, strict=True):
                if segment.startswith("{"):
                    params[segment[1:-1]] = part
                elif segment != part:
                    break
            else:
                return Match(route, params)
        return None
