"""Faults happen on the socket: what a client really meets when integrator.io or something before it breaks."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.simulator.contract.client import Api, next_link
from tests.simulator.contract.conftest import TOKEN, Account, Launch

FLOWS = "/v1/flows"


@pytest.fixture
def fresh(account: Account) -> Any:
    """A client with a connection of its own, for faults that break it."""
    with Api(account.simulator.url, TOKEN) as other:
        yield other


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 500, 502, 503, 504, 599])
def test_status_answers_with_the_code_and_an_error_envelope(status: int, account: Account) -> None:
    account.control.inject("status", path=FLOWS, status=status)
    response = account.api.call("GET", FLOWS)
    assert response.status_code == status
    assert response.json()["errors"][0]["code"]


def test_status_can_carry_a_bare_message(account: Account) -> None:
    account.control.inject("status", path=FLOWS, status=500, body="message")
    response = account.api.call("GET", FLOWS)
    assert response.status_code == 500
    assert set(response.json()) == {"message"}


def test_status_can_carry_a_page_of_a_proxy(account: Account) -> None:
    account.control.inject("status", path=FLOWS, status=502, body="html")
    response = account.api.raw("GET", FLOWS)
    assert response.status_code == 502
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<html" in response.text.lower()


def test_rate_limited_names_the_seconds(account: Account) -> None:
    account.control.inject("rate_limited", path=FLOWS, retry_after=17)
    response = account.api.call("GET", FLOWS)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "17")
    assert response.json()["errors"][0]["code"] == "rate_limited"


def test_rate_limited_can_name_an_http_date(account: Account) -> None:
    account.control.inject("rate_limited", path=FLOWS, retry_after=90, http_date=True)
    response = account.api.call("GET", FLOWS)
    until = parsedate_to_datetime(response.headers["Retry-After"])
    assert (until - parsedate_to_datetime(response.headers["Date"])).total_seconds() == pytest.approx(90, abs=2)


def test_slow_answers_in_full_after_the_delay(account: Account) -> None:
    plain = account.api.get(FLOWS)
    account.control.inject("slow", path=FLOWS, seconds=0.4)
    response = account.api.call("GET", FLOWS)
    assert response.elapsed.total_seconds() >= 0.4
    assert response.json() == plain


def test_slow_does_not_hold_up_other_requests(account: Account, fresh: Api) -> None:
    account.control.inject("slow", path=FLOWS, seconds=20)
    with pytest.raises(requests.ReadTimeout):
        fresh.raw("GET", FLOWS, timeout=0.3)
    assert account.api.raw("GET", "/v1/tokenInfo", timeout=10).status_code == 200


def test_hang_never_answers_and_the_simulator_still_stops(launch: Launch) -> None:
    with launch() as account, Api(account.simulator.url, TOKEN) as fresh:
        account.control.inject("hang", path=FLOWS)
        with pytest.raises(requests.ReadTimeout):
            fresh.raw("GET", FLOWS, timeout=0.5)
        assert account.api.raw("GET", "/v1/tokenInfo", timeout=10).status_code == 200


def _until_it_breaks(response: requests.Response) -> Iterator[bytes]:
    """The bytes that arrive; ends quietly only where the connection breaks."""
    try:
        yield from response.iter_content(1)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return
    raise AssertionError("the body came to a regular end")


def test_truncated_sends_less_than_it_announces_and_closes(account: Account, fresh: Api) -> None:
    account.control.inject("truncated", path=FLOWS)
    with fresh.raw("GET", FLOWS, stream=True, headers={"Accept-Encoding": "identity"}) as response:
        announced = int(response.headers["Content-Length"])
        assert response.status_code == 200
        received = list(_until_it_breaks(response))
    assert 0 < len(received) < announced


def test_reset_closes_without_an_answer(account: Account, fresh: Api) -> None:
    account.control.inject("reset", path=FLOWS)
    with pytest.raises(requests.ConnectionError):
        fresh.raw("GET", FLOWS)


def test_after_reset_is_lifted_a_new_connection_works(account: Account, fresh: Api) -> None:
    incident = account.control.inject("reset", path="*")
    with pytest.raises(requests.ConnectionError):
        fresh.raw("GET", "/v1/tokenInfo")
    account.control.lift(incident)
    assert fresh.call("GET", "/v1/tokenInfo").status_code == 200


def test_invalid_json_claims_to_be_json(account: Account) -> None:
    account.control.inject("invalid_json", path=FLOWS)
    response = account.api.raw("GET", FLOWS)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.content
    with pytest.raises(ValueError, match=r".+"):
        json.loads(response.content)


def test_html_is_a_200_page(account: Account) -> None:
    account.control.inject("html", path=FLOWS)
    response = account.api.raw("GET", FLOWS)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<html" in response.text.lower()


def test_empty_body_is_a_200_with_nothing(account: Account) -> None:
    account.control.inject("empty_body", path=FLOWS)
    response = account.api.raw("GET", FLOWS)
    assert (response.status_code, response.content) == (200, b"")


def test_wrong_shape_turns_a_list_into_an_object_and_an_object_into_a_list(account: Account) -> None:
    account.control.inject("wrong_shape", path="*")
    assert isinstance(account.api.raw("GET", FLOWS).json(), dict)
    assert isinstance(account.api.raw("POST", "/v1/flows/runs/stats", body={}).json(), list)


def test_null_list_is_null_or_holds_null(account: Account) -> None:
    body: dict[str, Any] = account.last_day
    account.control.inject("null_list", path="*")
    assert account.api.raw("GET", FLOWS).json() is None
    page = account.api.raw("POST", "/v1/flows/runs/stats", body=body).json()
    assert page is None or page["stats"] is None


def test_missing_ids_takes_the_id_from_rows(account: Account) -> None:
    account.control.inject("missing_ids", path=FLOWS)
    rows = account.api.raw("GET", FLOWS).json()
    assert any("_id" not in row for row in rows)


def test_wrong_types_breaks_the_contract_of_rows(account: Account) -> None:
    plain = account.api.get(FLOWS)
    account.control.inject("wrong_types", path=FLOWS)
    rows = account.api.raw("GET", FLOWS).json()
    changed = [
        key
        for before, after in zip(plain, rows, strict=True)
        for key in before
        if type(after.get(key)) is not type(before[key])
    ]
    assert changed


def _readable(text: Any) -> bool:
    try:
        datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return True


def test_bad_dates_cannot_be_read(account: Account) -> None:
    account.control.inject("bad_dates", path=FLOWS)
    rows = account.api.raw("GET", FLOWS).json()
    assert any(not _readable(row["createdAt"]) for row in rows)


def test_numbers_as_strings_turns_counts_into_text(account: Account) -> None:
    body = account.last_day
    account.control.inject("numbers_as_strings", path="/v1/flows/runs/stats")
    rows = account.api.raw("POST", "/v1/flows/runs/stats", body=body).json()["stats"]
    assert any(isinstance(row["numRuns"], str) and row["numRuns"].isdigit() for row in rows)


def test_huge_sends_as_many_bytes_as_asked(account: Account, fresh: Api) -> None:
    account.control.inject("huge", path=FLOWS, bytes=5_000_000)
    with fresh.raw("GET", FLOWS, stream=True, headers={"Accept-Encoding": "identity"}) as response:
        assert sum(len(piece) for piece in response.iter_content(65_536)) >= 5_000_000


def test_gzip_bomb_is_small_on_the_wire_and_large_when_opened(account: Account, fresh: Api) -> None:
    account.control.inject("gzip_bomb", path=FLOWS, bytes=20_000_000)
    with fresh.raw("GET", FLOWS, stream=True) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        wire = response.raw.read(decode_content=False)
    assert len(wire) < 400_000
    assert len(gzip.decompress(wire)) >= 20_000_000


def test_redirect_points_to_a_foreign_host(account: Account) -> None:
    account.control.inject("redirect", path=FLOWS)
    response = account.api.raw("GET", FLOWS)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("http")
    assert account.simulator.url not in response.headers["Location"]


def test_loop_makes_a_link_point_to_its_own_page(launch: Launch) -> None:
    with launch(page_size=3) as account:
        account.control.inject("loop", path=FLOWS)
        seen = []
        link = next_link(account.api.raw("GET", FLOWS))
        for _ in range(4):
            assert link is not None
            seen.append(link)
            link = next_link(account.api.raw("GET", link[link.index("/v1/") :]))
    assert len(set(seen[1:])) == 1


def test_loop_makes_a_body_point_to_its_own_page(launch: Launch) -> None:
    with launch(page_size=3) as account:
        body = account.last_day
        account.control.inject("loop", path="/v1/flows/runs/stats")
        seen = []
        path = "/v1/flows/runs/stats"
        for _ in range(4):
            address = account.api.raw("POST", path, body=body).json()["nextPageURL"]
            path = "/v1/flows" + address.partition("/flows")[2]
            seen.append(path)
    assert len(set(seen[1:])) == 1


def test_a_fault_stays_on_its_endpoint(account: Account) -> None:
    account.control.inject("status", path="/v1/connections", status=500)
    assert account.api.raw("GET", "/v1/connections").status_code == 500
    assert account.api.call("GET", FLOWS).status_code == 200


def test_a_fault_on_a_template_meets_every_id_of_it_and_nothing_else(account: Account) -> None:
    account.control.inject("status", path="/v1/flows/{flowId}/errors", status=503)
    flows = account.api.get(FLOWS)
    assert {account.api.raw("GET", f"/v1/flows/{flow['_id']}/errors").status_code for flow in flows} == {503}
    assert account.api.call("GET", f"/v1/flows/{flows[0]['_id']}").status_code == 200


def test_a_fault_on_everything_meets_everything_but_the_control_port(account: Account) -> None:
    account.control.inject("status", path="*", status=503)
    for path in (FLOWS, "/v1/tokenInfo", "/v1/jobs?createdAt_gte=2020-01-01"):
        assert account.api.raw("GET", path).status_code == 503
    assert account.control.time()["now"]


def test_a_counted_fault_is_gone_after_its_requests(account: Account) -> None:
    account.control.inject("status", path=FLOWS, status=500, count=2)
    assert [account.api.raw("GET", FLOWS).status_code for _ in range(4)] == [500, 500, 200, 200]
    assert account.control.incidents() == []


def test_other_requests_do_not_use_up_a_counted_fault(account: Account) -> None:
    account.control.inject("status", path=FLOWS, status=500, count=1)
    for _ in range(3):
        assert account.api.call("GET", "/v1/tokenInfo").status_code == 200
    assert account.api.raw("GET", FLOWS).status_code == 500


def _pattern(launch: Launch, probability: float) -> list[int]:
    with launch() as account:
        account.control.inject("status", path=FLOWS, status=500, probability=probability)
        return [account.api.raw("GET", FLOWS).status_code for _ in range(40)]


def test_a_fault_with_a_probability_hits_some_requests_and_the_same_ones_again(launch: Launch) -> None:
    first = _pattern(launch, 0.5)
    assert set(first) == {200, 500}
    assert first == _pattern(launch, 0.5)


def test_probability_one_hits_every_request_and_zero_none(launch: Launch) -> None:
    assert set(_pattern(launch, 1.0)) == {500}
    assert set(_pattern(launch, 0.0)) == {200}


def test_a_lifted_fault_is_over(account: Account) -> None:
    incident = account.control.inject("unauthorized", path="*")
    assert account.api.call("GET", FLOWS).status_code == 401
    account.control.lift(incident)
    assert account.api.call("GET", FLOWS).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        *("unauthorized", "forbidden", "rate_limited", "truncated", "reset", "invalid_json", "html", "empty_body"),
        *(
            "wrong_shape",
            "null_list",
            "missing_ids",
            "wrong_types",
            "bad_dates",
            "numbers_as_strings",
            "redirect",
            "loop",
            "late_rows",
            "duplicated_rows",
            "shuffled_rows",
        ),
    ],
)
def test_every_fault_can_be_lifted_and_leaves_nothing_behind(kind: str, account: Account) -> None:
    plain = account.api.get(FLOWS)
    incident = account.control.inject(kind, path="*")
    account.control.lift(incident)
    assert account.api.get(FLOWS) == plain
    assert account.control.incidents() == []
