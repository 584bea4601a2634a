"""The front of the API without sockets: token, limit, log, faults, routes, in this order."""

import gzip
import json
from typing import Any

import pytest

from exporter.simulator.access import TokenGate
from exporter.simulator.bucket import Bucket
from exporter.simulator.clock import ManualTime, SimClock
from exporter.simulator.faults import FaultSet, FaultSpec
from exporter.simulator.gateway import Gateway
from exporter.simulator.journal import Journal
from exporter.simulator.messages import Request, bare
from exporter.simulator.wire import Reply
from tests.simulator.unit.build import START, engine

TOKEN = {"authorization": "Bearer t"}
HIDDEN = ("customer.example", "******", "secret")


class Front:
    """A gateway over a small account."""

    def __init__(self, **options: Any) -> None:
        self.base = ManualTime(START / 1000)
        self.engine = engine(**options)
        self.log = Journal(ManualTime(0.0))
        self.faults = FaultSet(seed=1)
        self.gate = TokenGate("t")
        size = self.engine.options.bucket_size
        bucket = Bucket(size, self.engine.options.bucket_rate, ManualTime(0.0))
        self.gateway = Gateway(self.engine, SimClock(self.base), bucket, self.log, self.faults, self.gate)

    def ask(self, target: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
        return self.gateway.handle(Request.of(method, target, TOKEN if headers is None else headers, body))


@pytest.fixture
def front() -> Front:
    return Front()


def header(reply: Reply, name: str) -> str | None:
    return next((value for key, value in reply.headers if key == name), None)


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer T"}, {"authorization": "t"}, {"authorization": "bearer t"}, {"authorization": "é"}],
    ids=str,
)
def test_any_other_token_is_401_with_a_bare_message(headers: dict[str, str], front: Front) -> None:
    reply = front.ask("/v1/flows", headers=headers)
    assert (reply.status, json.loads(reply.body)) == (401, {"message": "Unauthorized"})
    assert front.log.rows()[0]["authorized"] is False


def test_an_unknown_path_is_401_without_token_and_404_with(front: Front) -> None:
    assert front.ask("/v1/nothing", headers={}).status == 401
    assert front.ask("/v1/nothing").status == 404
    assert [row["template"] for row in front.log.rows()] == ["unknown", "unknown"]


def test_a_denied_token_gets_the_denial_but_a_wrong_one_does_not(front: Front) -> None:
    front.gate.deny(1, bare(401, "Expired"))
    assert json.loads(front.ask("/v1/flows").body) == {"message": "Expired"}
    assert json.loads(front.ask("/v1/flows", headers={}).body) == {"message": "Unauthorized"}
    front.gate.allow(1)
    assert front.ask("/v1/flows").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_a_wrong_method_is_405_and_says_which_is_right(method: str, front: Front) -> None:
    reply = front.ask("/v1/flows", method)
    assert (reply.status, header(reply, "Allow")) == (405, "GET")


def test_requests_over_the_limit_are_429_and_wrong_tokens_use_nothing_up() -> None:
    front = Front(bucket_size=2)
    for _ in range(5):
        front.ask("/v1/tokenInfo", headers={})
    statuses = [front.ask("/v1/tokenInfo").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [row["status"] for row in front.log.rows()][-1] == 429


def test_every_reply_has_the_accounts_date_and_a_request_id(front: Front) -> None:
    first, second = front.ask("/v1/tokenInfo"), front.ask("/v1/tokenInfo", headers={})
    assert header(first, "Date") == "Sat, 29 Aug 2026 10:40:00 GMT"
    assert header(first, "X-Request-Id") != header(second, "X-Request-Id")


def test_time_passes_with_the_clock_at_each_request(front: Front) -> None:
    front.base.advance(3600)
    front.ask("/v1/tokenInfo")
    assert front.engine.now_ms == START + 3_600_000


def test_a_large_answer_is_packed_only_for_who_accepts_it(front: Front) -> None:
    plain = front.ask("/v1/flows")
    packed = front.ask("/v1/flows", headers={**TOKEN, "accept-encoding": "gzip, deflate"})
    assert header(plain, "Content-Encoding") is None
    assert header(packed, "Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert header(front.ask("/v1/tokenInfo", headers={**TOKEN, "accept-encoding": "gzip"}), "Content-Encoding") is None


def test_equal_questions_at_one_instant_get_equal_bytes(front: Front) -> None:
    headers = {**TOKEN, "accept-encoding": "gzip"}
    assert front.ask("/v1/flows", headers=headers).body == front.ask("/v1/flows", headers=headers).body


def test_packing_can_be_switched_off() -> None:
    reply = Front(compress=False).ask("/v1/flows", headers={**TOKEN, "accept-encoding": "gzip"})
    assert header(reply, "Content-Encoding") is None


def test_a_fault_comes_before_the_token_and_the_limit(front: Front) -> None:
    front.faults.add(1, FaultSpec("status", status=503))
    assert front.ask("/v1/flows", headers={}).status == 503


def test_a_cut_connection_is_logged_as_status_0(front: Front) -> None:
    front.faults.add(1, FaultSpec("reset"))
    assert front.ask("/v1/flows").delivery == "reset"
    assert front.log.rows()[0]["status"] == 0


@pytest.mark.parametrize("path", ["/v1/jobs/current", "/v1/flows/runs/stats"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 200),
        (b'{"sandbox": false}', 200),
        (b'{"sandbox": "no"}', 400),
        (b'{"_flowIds": [], "_integrationIds": []}', 400),
        (b'{"_flowIds": "x"}', 400),
        (b'{"_flowIds": [1]}', 400),
        (b'{"status": ["sleeping"]}', 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"_flowIds": []}', 204),
    ],
    ids=str,
)
def test_posted_filters_are_checked(path: str, body: bytes, status: int, front: Front) -> None:
    assert front.ask(path, "POST", body=body).status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"time_gt": START - 3_600_000, "time_lte": START}, 200),
        ({"time_lte": START + 30_000}, 200),
        ({"time_lte": START + 3_600_000}, 400),
        ({"time_gt": "yesterday"}, 400),
        ({"time_gt": True}, 400),
        ({"time_gt": -1}, 400),
        ({"time_gt": START, "time_lte": START - 1}, 204),
    ],
    ids=str,
)
def test_the_window_of_statistics_is_checked(body: dict[str, object], status: int, front: Front) -> None:
    assert front.ask("/v1/flows/runs/stats", "POST", body=json.dumps(body).encode()).status == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("type=flow", 400),
        ("status=failed", 400),
        ("createdAt_gte=2020-01-01", 200),
        ("createdAt_gte=x", 400),
        ("type=import", 400),
        ("type=import&createdAt_gte=2020-01-01", 400),
        (f"type=import&_flowJobId={'a' * 24}", 204),
        (f"_flowJobId={'a' * 24}", 204),
        (f"_flowId={'a' * 24}", 204),
        ("type=bulk_retry&createdAt_gte=2020-01-01", 204),
        ("type=poem&createdAt_gte=2020-01-01", 400),
        ("createdAt_gte=2020-01-01&status=completed&status=failed", 400),
        ("createdAt_gte=2020-01-01&numError_gte=x", 400),
        ("createdAt_gte=2020-01-01&colour=red&limit=1", 200),
        ("page=3", 400),
    ],
)
def test_the_jobs_list_wants_a_filter_and_ignores_what_it_does_not_know(query: str, status: int, front: Front) -> None:
    assert front.ask(f"/v1/jobs?{query}").status == status


@pytest.mark.parametrize(
    ("mode", "post", "get"), [("POST", 200, 405), ("GET", 405, 200), ("any", 200, 200)], ids=["post", "get", "any"]
)
def test_the_next_page_takes_the_method_of_the_switch(mode: str, post: int, get: int) -> None:
    front = Front(page_size=1, next_page_method=mode)
    body = b'{"sandbox": false}'
    first = json.loads(front.ask("/v1/flows/runs/stats", "POST", body=body).body)
    target = "/v1/flows/runs/stats?" + first["nextPageURL"].partition("?")[2]
    assert front.ask(target, "POST", body=body).status == post
    assert front.ask(target).status == get
    assert front.ask("/v1/flows/runs/stats").status == 405


def test_a_next_page_by_get_remembers_the_first_body() -> None:
    front = Front(page_size=1, next_page_method="GET", flows=60, history_seconds=7200.0)
    sandbox = {flow.id for flow in front.engine.account.flows if flow.sandbox}
    seen: list[str] = []
    reply = json.loads(front.ask("/v1/flows/runs/stats", "POST", body=b'{"sandbox": true}').body)
    while True:
        seen += [row["_flowId"] for row in reply["stats"]]
        if "nextPageURL" not in reply:
            break
        reply = json.loads(front.ask("/v1/flows/runs/stats?" + reply["nextPageURL"].partition("?")[2]).body)
    assert len(seen) > 1
    assert set(seen) <= sandbox


@pytest.mark.parametrize(
    ("ordinal", "status", "body"), [(0, 200, b"{}"), (1, 200, b"null"), (2, 204, b""), (3, 404, None)], ids=str
)
def test_a_flow_that_is_no_delta_has_no_position_in_four_ways(
    ordinal: int, status: int, body: bytes | None, front: Front
) -> None:
    flow = next(f for f in front.engine.account.flows if not f.is_delta and f.ordinal % 4 == ordinal)
    reply = front.ask(f"/v1/flows/{flow.id}/lastExportDateTime")
    assert reply.status == status
    assert body is None or reply.body == body


def test_a_delta_flow_has_its_position(front: Front) -> None:
    flow = next(f for f in front.engine.account.flows if f.is_delta and f.last_executed_ms)
    reply = front.ask(f"/v1/flows/{flow.id}/lastExportDateTime")
    assert list(json.loads(reply.body)) == ["lastExportDateTime"]


def test_the_licence_does_not_change_with_the_day(front: Front) -> None:
    before = front.ask("/v1/licenses").body
    front.base.advance(3 * 86_400)
    assert front.ask("/v1/licenses").body == before


def test_a_mistake_of_the_page_size_shows_no_row_twice() -> None:
    front = Front(page_size=5)
    seen: list[str] = []
    target = "/v1/imports?include=name"
    while target:
        reply = front.ask(target)
        seen += [row["_id"] for row in json.loads(reply.body)]
        link = header(reply, "Link")
        target = "" if link is None else link[link.index("/v1") : link.index(">")]
    assert len(seen) == len(set(seen)) == sum(step.kind == "import" for step in front.engine.account.steps)


def test_the_account_holds_what_an_exporter_must_never_show(front: Front) -> None:
    texts = [front.ask(path).body.decode() for path in ("/v1/exports", "/v1/connections", "/v1/audit")]
    for text, word in zip(texts, HIDDEN, strict=True):
        assert word in text
