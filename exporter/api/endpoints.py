"""The allow-list: every call the exporter can make, and nothing else can be expressed.

A request is built from an `Endpoint`, never from a free method and path. Only GET and the contract's two reading POSTs
exist (contract 3.8, 3.9); no endpoint that writes, pings a connection, or returns a secret is listed.
"""

import enum
import re
from dataclasses import dataclass

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether `text` can stand in a path: ids come from responses, which may hold anything."""
    return _ID.fullmatch(text) is not None


class Endpoint(enum.Enum):
    """A call of the contract: its path template is the label value of every API metric."""

    TOKEN_INFO = "/v1/tokenInfo"  # noqa: S105 - a path, not a password
    INTEGRATIONS = "/v1/integrations"
    INTEGRATION_ERRORS = "/v1/integrations/{integrationId}/errors"
    FLOWS = "/v1/flows"
    FLOW_ERRORS = "/v1/flows/{flowId}/errors"
    STEP_ERRORS = "/v1/flows/{flowId}/{stepId}/errors"
    JOBS = "/v1/jobs"
    JOB = "/v1/jobs/{jobId}"
    JOBS_CURRENT = "/v1/jobs/current"
    CONNECTIONS = "/v1/connections"
    EXPORTS = "/v1/exports"
    IMPORTS = "/v1/imports"
    AGENTS = "/v1/agents"
    AUDIT = "/v1/audit"
    NOTIFICATIONS = "/v1/notifications"
    LICENSES = "/v1/licenses"
    ENTITLEMENT_USAGE = "/v1/licenseEntitlementUsage"
    RUN_STATS = "/v1/flows/runs/stats"
    LAST_EXPORT = "/v1/flows/{flowId}/lastExportDateTime"
    JOB_FAMILY = "/v1/jobs/{jobId}/family"

    @property
    def method(self) -> str:
        """`GET`, or `POST` for the calls of the contract that read with a body."""
        return "POST" if self in _READING_POSTS else "GET"

    def path(self, *ids: str) -> str:
        """The path with `ids` in the template's places, in order.

        Raises ValueError when the number of ids is wrong or one is no id: a value from a response must not be able to
        turn one call into another.
        """
        places = re.findall(r"\{\w+\}", self.value)
        if len(places) != len(ids):
            raise ValueError(f"{self.value} takes {len(places)} ids, got {len(ids)}")
        path = self.value
        for place, given in zip(places, ids, strict=True):
            if not is_id(given):
                raise ValueError(f"not an id for {place} of {self.value}")
            path = path.replace(place, given, 1)
        return path


_READING_POSTS = frozenset({Endpoint.JOBS_CURRENT, Endpoint.RUN_STATS})


@dataclass(frozen=True, slots=True)
class Call:
    """One request as data: endpoint, ids, query and, for a reading POST, a JSON body."""

    endpoint: Endpoint
    ids: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    @property
    def method(self) -> str:
        """`POST` with a body, else `GET`; a reading POST's later page may be asked for with GET (contract 1.6)."""
        return "GET" if self.body is None else self.endpoint.method

    @property
    def path(self) -> str:
        """The path of this call; see `Endpoint.path`."""
        return self.endpoint.path(*self.ids)
