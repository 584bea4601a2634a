"""The simulator's control API as the tests use it: plain JSON over its own port."""

from types import TracebackType
from typing import Any, Self

import requests


class Control:
    """Incidents, time, truth and the request log. Close it, or use it in `with`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.session.close()

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request, not judged."""
        more.setdefault("timeout", 60)
        return self.session.request(method, self.url + path, **more)

    def get(self, path: str, **params: Any) -> Any:
        """The decoded answer of a GET that must succeed."""
        response = self.raw("GET", path, params=params)
        assert response.status_code == 200, response.text[:300]
        return response.json()

    def inject(self, kind: str, **options: Any) -> int:
        """Start an incident; its id."""
        response = self.raw("POST", "/incidents", json={"kind": kind, **options})
        assert response.status_code == 201, response.text[:300]
        number: int = response.json()["id"]
        return number

    def lift(self, incident: int) -> None:
        """End one incident."""
        response = self.raw("DELETE", f"/incidents/{incident}")
        assert response.status_code in {200, 204}, response.text[:300]

    def lift_all(self) -> None:
        """End every incident."""
        response = self.raw("DELETE", "/incidents")
        assert response.status_code in {200, 204}, response.text[:300]

    def incidents(self) -> list[dict[str, Any]]:
        """The active incidents."""
        answer = self.get("/incidents")
        active: list[dict[str, Any]] = answer["incidents"] if isinstance(answer, dict) else answer
        return active

    def truth(self) -> dict[str, Any]:
        """The ground truth now."""
        answer: dict[str, Any] = self.get("/truth")
        return answer

    def truth_runs(self, since: float, until: float) -> list[dict[str, Any]]:
        """Every job row that was created in a window."""
        answer = self.get("/truth/runs", since=since, until=until)
        rows: list[dict[str, Any]] = answer["runs"] if isinstance(answer, dict) else answer
        return rows

    def time(self) -> dict[str, Any]:
        """`now`, `speed`, `frozen`."""
        answer: dict[str, Any] = self.get("/time")
        return answer

    def set_time(self, **change: Any) -> dict[str, Any]:
        """Freeze, speed or advance the account's time."""
        response = self.raw("POST", "/time", json=change)
        assert response.status_code == 200, response.text[:300]
        answer: dict[str, Any] = response.json()
        return answer

    def now(self) -> float:
        """The account's time, unix seconds."""
        now: float = self.time()["now"]
        return now

    def requests_log(self, since: int = 0) -> list[dict[str, Any]]:
        """The request log after a sequence number."""
        rows: list[dict[str, Any]] = self.get("/requests", since=since)["requests"]
        return rows
