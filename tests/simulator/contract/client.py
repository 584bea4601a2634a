"""A small HTTP client for the tests: every answer is judged by the contract before a test sees it.

It knows nothing of the simulator's inside. Paging follows the contract: the next page is the path and query of the
link, put behind the address under test.
"""

import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from tests.simulator.contract import openapi

Params = Mapping[str, Any]
_PAGE_CAP = 500
_NEXT_LINK = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


class Api:
    """Calls of one token to one address. Close it, or use it in `with`."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.session.close()

    def raw(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None, **more: Any
    ) -> requests.Response:
        """One request, not judged: for faults and for what the contract forbids."""
        more.setdefault("timeout", 200)
        more.setdefault("allow_redirects", False)
        return self.session.request(method, self.url + path, params=params, json=body, **more)

    def call(self, method: str, path: str, *, params: Params | None = None, body: Any = None) -> requests.Response:
        """One request whose answer must fit the contract."""
        response = self.raw(method, path, params=params, body=body)
        judge(response, method, urlsplit(path).path)
        return response

    def get(self, path: str, **params: Any) -> Any:
        """The decoded body of a GET that must succeed; None for 204."""
        return decoded(self.call("GET", path, params=params))

    def post(self, path: str, body: Any) -> Any:
        """The decoded body of a POST that must succeed; None for 204."""
        return decoded(self.call("POST", path, body=body))

    def link_pages(self, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
        """Pages of a `Link`-paged list (contract 1.6 A)."""
        response = self.call("GET", path, params=params)
        for _ in range(_PAGE_CAP):
            yield decoded(response) or []
            link = next_link(response)
            if link is None:
                return
            response = self.call("GET", path_and_query(link))
        raise AssertionError(f"{path} does not end within {_PAGE_CAP} pages")

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of a `Link`-paged list."""
        return [row for page in self.link_pages(path, **params) for row in page]

    def body_pages(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None
    ) -> Iterator[dict[str, Any]]:
        """Pages of a list that names its next page in the body (contract 1.6 B)."""
        response = self.call(method, path, params=params, body=body)
        for _ in range(_PAGE_CAP):
            page = decoded(response)
            if page is None:
                return
            yield page
            if not page.get("nextPageURL"):
                return
            response = self.call(method, path_and_query(page["nextPageURL"]), body=body)
        raise AssertionError(f"{path} does not end within {_PAGE_CAP} pages")

    def step_errors(self, flow_id: str, step_id: str, /, **params: Any) -> list[dict[str, Any]]:
        """All open error records of a step."""
        pages = self.body_pages("GET", f"/v1/flows/{flow_id}/{step_id}/errors", params=params)
        return [record for page in pages for record in page["errors"]]

    def current(self, **body: Any) -> list[dict[str, Any]]:
        """All runs in progress (contract 3.8)."""
        return [job for page in self.body_pages("POST", "/v1/jobs/current", body=body) for job in page["jobs"]]

    def stats(self, **body: Any) -> list[dict[str, Any]]:
        """All run statistics rows (contract 3.9)."""
        return [row for page in self.body_pages("POST", "/v1/flows/runs/stats", body=body) for row in page["stats"]]

    def job_pages(self, **params: Any) -> Iterator[list[dict[str, Any]]]:
        """Raw pages of the jobs list by the time cursor (contract 3.7: the last createdAt unchanged)."""
        seen: set[str] = set()
        for _ in range(_PAGE_CAP):
            page: list[dict[str, Any]] = self.get("/v1/jobs", **params) or []
            if not any(row["_id"] not in seen for row in page):
                return
            yield page
            seen.update(row["_id"] for row in page)
            params = {**params, "createdAt_lte": page[-1]["createdAt"]}
        raise AssertionError(f"jobs do not end within {_PAGE_CAP} pages")

    def jobs(self, **params: Any) -> list[dict[str, Any]]:
        """All job rows of a filter, each `_id` once."""
        return list({row["_id"]: row for page in self.job_pages(**params) for row in page}.values())


def judge(response: requests.Response, method: str, path: str) -> None:
    """Fail unless the answer fits the contract's operation (or the contract has no such operation)."""
    operation = openapi.operation_of(method, path)
    if operation is None:
        return
    if response.status_code == 204:
        assert response.content == b"", f"{method} {path}: 204 with a body"
        return
    kind = response.headers.get("Content-Type", "")
    assert kind.startswith("application/json"), f"{method} {path}: {response.status_code} as {kind!r}"
    assert not (found := openapi.violations(operation, response.status_code, response.json())), found[:5]


def decoded(response: requests.Response) -> Any:
    """The JSON of a 200, None of a 204; anything else fails the test."""
    assert response.status_code in {200, 204}, (
        f"{response.request.path_url}: {response.status_code} {response.text[:200]}"
    )
    return response.json() if response.status_code == 200 else None


def next_link(response: requests.Response) -> str | None:
    """The `rel="next"` address of the `Link` header as it came, or None."""
    found = _NEXT_LINK.search(response.headers.get("Link", ""))
    return found.group(1) if found else None


def path_and_query(address: str) -> str:
    """A next-page address in any of its three forms as `/v1/...` (contract 1.6 B)."""
    parts = urlsplit(address)
    path = "/v1/" + parts.path.removeprefix("/api/") if parts.path.startswith("/api/") else parts.path
    return f"{path}?{parts.query}" if parts.query else path


def form_of_next(address: str) -> str:
    """Which of the three forms of contract 1.6 B an address has."""
    parts = urlsplit(address)
    if parts.netloc:
        return "absolute"
    return "api" if parts.path.startswith("/api/") else "v1"
