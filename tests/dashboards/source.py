"""A data source: one call of Prometheus's HTTP API at a time, with what it says and how long it takes."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from tests.dashboards.choosing import series_text

_LABEL_VALUES = re.compile(r"label_values\((?:(.+),\s*)?(\w+)\s*\)")
_QUERY_RESULT = re.compile(r"query_result\((.+)\)")


@dataclass(frozen=True, slots=True)
class Request:
    """One call; `query` is what it is about."""

    path: str
    params: Mapping[str, str]
    query: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus says: how many series, what is wrong, and how long it took."""

    query: str
    series: int = 0
    error: str = ""
    seconds: float = 0.0


class DataSource:
    """A Prometheus at `url`, asked about the time until `now`."""

    def __init__(self, url: str, now: float) -> None:
        self.now = now
        self._url = f"{url}/api/v1/"
        self._session = requests.Session()

    def ask(self, request: Request) -> tuple[Answer, Sequence[Any]]:
        """The answer and what was found; the time is that until all of it has arrived, unread."""
        method = "GET" if request.path.startswith("label/") else "POST"  # as Grafana: a query may be long
        given = {"params" if method == "GET" else "data": request.params}
        begun = time.perf_counter()
        response = self._session.request(method, self._url + request.path, timeout=120, **given)  # type: ignore[arg-type]
        content = response.content
        taken = time.perf_counter() - begun
        said: Any = response.json() if content.startswith(b"{") else {"error": content.decode(errors="replace")}
        if "data" not in said:
            return Answer(request.query, error=said["error"], seconds=taken), []
        found = said["data"]["result"] if isinstance(said["data"], dict) else said["data"]
        return Answer(request.query, len(found), "", taken), found

    def answer(self, request: Request) -> Answer:
        """Only the answer."""
        return self.ask(request)[0]


def variable_request(query: str, now: float, span: int) -> Request:
    """What Grafana asks for the options of a variable with this query, variables in it filled."""
    window = {"start": f"{now - span:.3f}", "end": f"{now:.3f}"}
    if (values := _LABEL_VALUES.fullmatch(query)) is not None:
        of = {"match[]": values[1]} if values[1] else {}
        return Request(f"label/{values[2]}/values", {**of, **window}, query)
    if (result := _QUERY_RESULT.fullmatch(query)) is not None:
        return Request("query", {"query": result[1], "time": f"{now:.3f}"}, query)
    return Request("series", {"match[]": query, **window}, query)


def text_of(found: Any) -> str:
    """A label's value, a series, or a series with its value, as a variable's regular expression sees it."""
    if isinstance(found, str):
        return found
    if "metric" not in found:
        return series_text(found)
    at, value = found["value"]
    return series_text(found["metric"], f" {value} {round(float(at) * 1000)}")
