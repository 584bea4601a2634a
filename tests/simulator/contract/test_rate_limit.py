"""The leaky bucket (contract 1.4): a burst, a refill, and 429 with `Retry-After` beyond it."""

import pytest

from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import TOKEN, HandClock, Launch


def test_the_burst_is_the_size_of_the_bucket_and_the_next_request_is_429(launch: Launch) -> None:
    with launch(bucket_size=8, bucket_rate=0.5, monotonic=HandClock(100.0)) as account:
        statuses = [account.api.call("GET", "/v1/tokenInfo").status_code for _ in range(10)]
    assert statuses == [200] * 8 + [429] * 2


def test_429_names_whole_seconds_to_wait_and_the_code(launch: Launch) -> None:
    with launch(bucket_size=1, bucket_rate=0.5, monotonic=HandClock(100.0)) as account:
        account.api.call("GET", "/v1/tokenInfo")
        response = account.api.call("GET", "/v1/tokenInfo")
    assert response.status_code == 429
    assert response.headers["Retry-After"].isdigit()
    assert 1 <= int(response.headers["Retry-After"]) <= 3
    assert response.json()["errors"][0]["code"] == "rate_limited"


def test_after_the_named_wait_a_request_passes(launch: Launch) -> None:
    monotonic = HandClock(100.0)
    with launch(bucket_size=1, bucket_rate=0.1, monotonic=monotonic) as account:
        account.api.call("GET", "/v1/tokenInfo")
        wait = int(account.api.call("GET", "/v1/tokenInfo").headers["Retry-After"])
        monotonic.reading += wait
        assert account.api.call("GET", "/v1/tokenInfo").status_code == 200


def test_the_bucket_refills_at_its_rate_and_never_above_its_size(launch: Launch) -> None:
    monotonic = HandClock(100.0)
    with launch(bucket_size=10, bucket_rate=2.0, monotonic=monotonic) as account:

        def passed(tries: int) -> int:
            answers = [account.api.call("GET", "/v1/tokenInfo").status_code for _ in range(tries)]
            return answers.count(200)

        assert passed(15) == 10
        monotonic.reading += 2.0
        assert passed(10) == 4
        monotonic.reading += 3600.0
        assert passed(15) == 10


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/flows"),
        ("GET", "/v1/jobs?createdAt_gte=2020-01-01"),
        ("POST", "/v1/jobs/current"),
        ("GET", "/v1/tiles"),
    ],
    ids=["flows", "jobs", "current", "tiles"],
)
def test_one_bucket_serves_all_endpoints(method: str, path: str, launch: Launch) -> None:
    with launch(bucket_size=1, bucket_rate=0.5, monotonic=HandClock(100.0)) as account:
        account.api.call("GET", "/v1/tokenInfo")
        assert account.api.call(method, path, body={} if method == "POST" else None).status_code == 429


def test_the_bucket_is_shared_by_all_clients_of_the_account(launch: Launch) -> None:
    with launch(bucket_size=3, bucket_rate=0.5, monotonic=HandClock(100.0)) as account:
        statuses = []
        for _ in range(4):
            with Api(account.simulator.url, TOKEN) as other:
                statuses.append(other.call("GET", "/v1/tokenInfo").status_code)
    assert statuses == [200, 200, 200, 429]


def test_the_control_port_has_no_limit(launch: Launch) -> None:
    with launch(bucket_size=1, bucket_rate=0.5, monotonic=HandClock(100.0)) as account:
        assert {account.control.raw("GET", "/time").status_code for _ in range(20)} == {200}


def test_by_default_a_thousand_requests_pass_at_once(launch: Launch) -> None:
    with launch(bucket_size=None, bucket_rate=None, monotonic=HandClock(100.0)) as account:
        statuses = [account.api.raw("GET", "/v1/tokenInfo").status_code for _ in range(1001)]
    assert statuses == [200] * 1000 + [429]
