"""What the client keeps between calls: no cookie, no body behind a failure, and no token that was refused."""

from contextlib import closing
from pathlib import Path

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from exporter.api.paging import link_next
from exporter.api.token import TokenProvider
from exporter.config.settings import TokenSource
from tests.api.kit import BASE, CALLS, JOB, TOKEN, Kit, failure_of, kit, object_id
from tests.api.sockets.server import RawServer, answering, header, response
from tests.clocks import ManualClock

RENEWED = "rotated-token-77aa"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    return file


def test_a_worker_refused_with_the_old_token_uses_the_one_that_another_worker_read(
    http: requests_mock.Mocker, clock: ManualClock, path: Path
) -> None:
    provider = TokenProvider(TokenSource(file=str(path)), {}, clock)

    def answer(request: requests_mock.request._RequestObjectProxy, context: requests_mock.response._Context) -> str:
        if request.headers["Authorization"] == f"Bearer {RENEWED}":
            return '{"_userId": "u"}'
        path.write_text(RENEWED)
        assert provider.current().reveal() == RENEWED  # the other worker, between this request and its answer
        context.status_code = 401
        return ""

    http.get(f"{BASE}/v1/tokenInfo", text=answer)
    with kit(clock, token=provider) as api:
        assert api.client.token_info(api.refresh()).user_id == "u"
    assert http.call_count == 2


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [("{", 200, errors.InvalidJson), ("7", 200, errors.UnexpectedShape), ("", 403, errors.Forbidden)],
    ids=["no JSON", "another shape", "refused"],
)
def test_a_failure_that_is_kept_holds_no_frame_of_its_request(
    api: Kit, http: requests_mock.Mocker, body: str, status: int, kind: type[ApiError]
) -> None:
    http.get(f"{BASE}/v1/flows", text=body, status_code=status)
    raised = failure_of(CALLS[Endpoint.FLOWS], api)
    kept = api.telemetry.last_error(Endpoint.FLOWS)
    assert isinstance(kept, kind)
    assert str(kept) == str(raised)
    assert (kept.__traceback__, kept.__context__, kept.__cause__) == (None, None, None)


def test_a_stale_listing_holds_no_frame_of_the_failed_request(
    api: Kit, http: requests_mock.Mocker, clock: ManualClock
) -> None:
    http.get(f"{BASE}/v1/flows", [{"text": "[]"}, {"text": "{"}])
    api.client.flows(api.refresh())
    clock.advance(600)
    listing = api.client.flows(api.refresh())
    assert listing.stale
    assert isinstance(listing.failure, errors.InvalidJson)
    assert (listing.failure.__traceback__, listing.failure.__context__) == (None, None)


def test_a_detached_failure_says_all_that_the_raised_one_says() -> None:
    failure = errors.RateLimited(
        "/v1/jobs", method="POST", status=429, code="rate_limited", detail="later", retry_after=7.5
    )
    detached = failure.detached()
    assert (type(detached), vars(detached), str(detached)) == (type(failure), vars(failure), str(failure))
    assert detached is not failure


def test_a_cookie_is_never_sent_back() -> None:
    answer = response(headers=("Set-Cookie: session=abc; Path=/", "Set-Cookie: route=1; Domain=127.0.0.1; Path=/"))
    with RawServer(answering(answer)) as server, kit(base_url=server.url) as api:
        for _ in range(2):
            api.client.token_info(api.refresh())
        assert [header(request, "Cookie") for request in server.requests] == [None, None]


def test_jobs_are_asked_for_page_by_page_and_reading_can_end_early(api: Kit, http: requests_mock.Mocker) -> None:
    rows = [{"_id": object_id(number), "createdAt": f"2026-08-29T10:00:0{number}.000Z"} for number in range(9)]
    http.get(f"{BASE}/v1/jobs", json=rows)
    with closing(api.client.job_pages(api.refresh(), kind="flow", created_gte=0.0)) as pages:
        assert http.call_count == 0
        assert len(next(pages).rows) == len(rows)
    assert http.call_count == 1
    assert next(pages, None) is None


@pytest.mark.parametrize(
    ("head", "target"),
    [
        ('<<<</v1/flows?after=1>; rel="next"', "/v1/flows?after=1"),
        ("<" * 65_000, None),
        ("<" * 30_000 + '/v1/flows?after=1>; rel="next"', "/v1/flows?after=1"),
        ("</v1/flows>;" + " " * 60_000, None),
        ("</v1/flows>" + ";a" * 30_000 + "!", None),
    ],
    ids=["few", "many without an end", "many with an end", "spaces", "parameters"],
)
def test_a_link_header_of_brackets_is_read_from_the_last_one(head: str, target: str | None) -> None:
    assert link_next(head) == target


def test_a_job_that_is_unknown_leaves_the_listing_of_jobs_in_good_health(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/jobs", text="[]")
    http.get(f"{BASE}/v1/jobs/{JOB}", status_code=404)
    list(api.client.job_pages(api.refresh(), kind="flow", created_gte=0.0))
    failure_of(CALLS[Endpoint.JOB], api)
    outcomes = api.telemetry.outcomes()
    assert (outcomes[Endpoint.JOBS][0], outcomes[Endpoint.JOB][0]) == (True, False)
