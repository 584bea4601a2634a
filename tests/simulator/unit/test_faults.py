"""Faults: whom they hit, how often, and what they do to an answer."""

import gzip
import json
from typing import Any

import msgspec
import pytest

from exporter.simulator import fault_bodies
from exporter.simulator.fault_rows import ALTERATIONS
from exporter.simulator.faults import FAULT_KINDS, FaultSet, FaultSpec
from exporter.simulator.messages import NOTHING, Answer, Request
from exporter.simulator.wire import Reply, plain_reply

FLOWS = "/v1/flows"
STEP = "/v1/flows/{flowId}/{stepId}/errors"
GET = Request("GET", FLOWS)


def spec(kind: str = "html", **options: Any) -> FaultSpec:
    return msgspec.convert({"kind": kind, **options}, FaultSpec)


def hits(faults: FaultSet, count: int, request: Request = GET, template: str = FLOWS) -> int:
    return sum(bool(faults.strike(request, template).specs) for _ in range(count))


@pytest.mark.parametrize(
    ("path", "template", "expected"),
    [
        ("*", FLOWS, True),
        ("*", "unknown", True),
        (FLOWS, FLOWS, True),
        (FLOWS, "/v1/flows/{flowId}", False),
        ("/v1/flows/{id}/{step}/errors", STEP, True),
        ("/v1/flows/{}/errors", STEP, False),
        ("/v1/flows*", STEP, True),
        ("/v1/*/errors", "/v1/integrations/{integrationId}/errors", True),
    ],
)
def test_a_path_fits_templates_whatever_the_names_of_place_holders(*, path: str, template: str, expected: bool) -> None:
    assert spec(path=path).hits(GET, template) is expected


@pytest.mark.parametrize(("method", "expected"), [("GET", True), ("POST", False), (None, True)], ids=str)
def test_a_method_narrows_a_fault(*, method: str | None, expected: bool) -> None:
    assert spec(method=method).hits(GET, FLOWS) is expected


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/v1/nothing"},
        {"count": 0},
        {"count": "2"},
        {"probability": -0.1},
        {"probability": 1.1},
        {"seconds": -1},
        {"bytes": -1},
        {"retry_after": -1},
        {"status": 99},
        {"status": 600},
        {"status": True},
        {"body": "poem"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_fault_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        spec(**options)


def test_a_status_fault_needs_its_status_and_a_fault_a_known_kind() -> None:
    with pytest.raises(msgspec.ValidationError, match="status"):
        spec("status")
    with pytest.raises(msgspec.ValidationError, match="unknown"):
        spec("plague")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_fault_with_a_count_hits_so_many_requests_and_is_gone(count: int) -> None:
    faults = FaultSet(seed=1)
    faults.add(1, spec(count=count))
    assert hits(faults, 20) == count
    assert faults.lasting() == frozenset()


def test_requests_a_fault_does_not_concern_do_not_use_it_up() -> None:
    faults = FaultSet(seed=1)
    faults.add(1, spec(count=1, path=STEP))
    assert hits(faults, 10) == 0
    assert faults.lasting() == {1}


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.3, 220, 380), (1.0, 1000, 1000)])
def test_a_probability_decides_how_many_requests_are_hit(probability: float, low: int, high: int) -> None:
    faults = FaultSet(seed=1)
    faults.add(1, spec(probability=probability))
    assert low <= hits(faults, 1000) <= high


def test_chances_repeat_with_the_seed() -> None:
    patterns = []
    for _ in range(2):
        faults = FaultSet(seed=5)
        faults.add(1, spec(probability=0.5))
        patterns.append([hits(faults, 1) for _ in range(50)])
    assert patterns[0] == patterns[1]


def test_a_removed_fault_hits_nobody() -> None:
    faults = FaultSet(seed=1)
    faults.add(1, spec())
    faults.remove(1)
    faults.remove(1)
    assert hits(faults, 5) == 0


def struck(*specs: FaultSpec) -> FaultSet:
    faults = FaultSet(seed=1)
    for number, one in enumerate(specs, start=1):
        faults.add(number, one)
    return faults


def test_the_oldest_of_several_replacing_faults_wins_and_delays_add_up() -> None:
    strike = struck(
        spec("slow", seconds=1), spec("status", status=503), spec("html"), spec("slow", seconds=2.5)
    ).strike(GET, FLOWS)
    reply = strike.instead(0.0)
    assert reply is not None
    assert (reply.status, reply.delay_seconds) == (503, 3.5)


@pytest.mark.parametrize("kind", sorted(FAULT_KINDS))
def test_every_kind_either_replaces_rewrites_alters_or_distorts(kind: str) -> None:
    strike = struck(spec(kind, **({"status": 500} if kind == "status" else {}), bytes=100)).strike(GET, FLOWS)
    row = {"name": "n", "createdAt": "2026-01-01T00:00:00.000Z", "numError": 3}
    true = Answer(200, [{"_id": "a", **row}, {"_id": "b", **row}])
    instead = strike.instead(0.0)
    changed = instead or strike.distorted(plain_reply(strike.altered(true, GET)))
    assert changed != plain_reply(true) or strike.rewritten(GET) != GET


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unauthorized", 401), ("forbidden", 403), ("rate_limited", 429), ("html", 200), ("redirect", 302)],
)
def test_replacing_faults_have_their_status(kind: str, status: int) -> None:
    reply = struck(spec(kind)).strike(GET, FLOWS).instead(0.0)
    assert reply is not None
    assert reply.status == status


def test_retry_after_is_seconds_or_an_http_date() -> None:
    plain = fault_bodies.rate_limited(7, None)
    dated = fault_bodies.rate_limited(60, 1_788_000_000.0)
    assert ("Retry-After", "7") in plain.headers
    assert ("Retry-After", "Sat, 29 Aug 2026 10:41:00 GMT") in dated.headers


@pytest.mark.parametrize("body", fault_bodies.STATUS_BODIES)
def test_a_status_comes_in_three_shapes(body: str) -> None:
    reply = fault_bodies.status_reply(503, body)
    assert reply.status == 503
    if body == "html":
        assert reply.body.startswith(b"<!DOCTYPE")
    else:
        assert list(json.loads(reply.body)) == ["errors" if body == "json" else "message"]


@pytest.mark.parametrize("size", [0, 2, 1000, 200_001])
def test_a_huge_body_is_valid_json_of_the_announced_size(size: int) -> None:
    reply = fault_bodies.huge(size)
    assert reply.blocks is not None
    body = b"".join(reply.blocks())
    assert len(body) == reply.content_length == max(2, size)
    assert json.loads(body) == []


def test_a_gzip_bomb_is_small_until_it_is_opened() -> None:
    reply = fault_bodies.gzip_bomb(3_000_000)
    assert len(reply.body) < 10_000
    assert len(gzip.decompress(reply.body)) == 3_000_000


def test_a_truncated_reply_announces_more_than_it_has() -> None:
    reply = struck(spec("truncated")).strike(GET, FLOWS).distorted(Reply(200, body=b"[1,2,3,4]"))
    assert reply.delivery == "truncated"
    assert len(reply.body) < reply.content_length


def test_invalid_json_cannot_be_decoded() -> None:
    reply = struck(spec("invalid_json")).strike(GET, FLOWS).distorted(Reply(204))
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)
    assert reply.status == 200


ROWS: list[dict[str, object]] = [
    {"_id": "a", "name": "n", "disabled": True, "numError": 3, "createdAt": "2026-01-01T00:00:00.000Z", "tags": []}
]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing_ids", {k: v for k, v in ROWS[0].items() if k != "_id"}),
        (
            "wrong_types",
            {
                "_id": "a", "name": 42, "disabled": "yes", "numError": {"value": 3}, "createdAt": 42,
                "tags": "not a structure",
            },
        ),
        ("bad_dates", {**ROWS[0], "createdAt": "yesterday"}),
        ("numbers_as_strings", {**ROWS[0], "numError": "3"}),
    ],
    ids=["missing_ids", "wrong_types", "bad_dates", "numbers_as_strings"],
)  # fmt: skip
@pytest.mark.parametrize("wrap", ["list", "errors", "jobs", "flowErrors", "one"])
def test_rows_are_mangled_wherever_they_stand(kind: str, expected: dict[str, object], wrap: str) -> None:
    content: object = ROWS if wrap == "list" else ROWS[0] if wrap == "one" else {wrap: ROWS, "nextPageURL": "/x"}
    altered = ALTERATIONS[kind](Answer(200, content), GET).content
    wanted: object = [expected] if wrap == "list" else expected if wrap == "one" else None
    if wanted is None:
        assert isinstance(altered, dict)
        assert altered["nextPageURL"] == "/x"
        altered, wanted = altered[wrap], [expected]
    assert altered == wanted


@pytest.mark.parametrize(("content", "expected"), [([1], {"rows": [1]}), ({"a": 1}, [])], ids=["list", "object"])
def test_the_wrong_shape_swaps_lists_and_objects(content: object, expected: object) -> None:
    assert ALTERATIONS["wrong_shape"](Answer(200, content), GET).content == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [([1], None), ({"errors": [1], "nextPageURL": "x"}, {"errors": None}), ({"flowErrors": []}, {"flowErrors": None})],
    ids=str,
)
def test_a_null_list_is_null_at_the_place_of_the_list(content: object, expected: object) -> None:
    assert ALTERATIONS["null_list"](Answer(200, content), GET).content == expected


def test_a_loop_points_to_itself_by_link_or_in_the_body() -> None:
    request = Request.of("GET", "/v1/flows?include=name")
    linked = ALTERATIONS["loop"](Answer(200, [1], (("Link", "<real>"),)), request)
    assert [value for _, value in linked.headers] == [
        '<https://api-worker-7.integrator.internal:3443/v1/flows?include=name&after=loop>; rel="next"'
    ]
    inside = ALTERATIONS["loop"](Answer(200, {"jobs": [1]}), request)
    assert inside.content == {"jobs": [1], "nextPageURL": "/v1/flows?include=name&after=loop"}


@pytest.mark.parametrize("answer", [Answer(204), Answer(404, {"errors": []})], ids=["empty", "failed"])
def test_a_loop_leaves_empty_and_failed_answers(answer: Answer) -> None:
    assert ALTERATIONS["loop"](answer, GET) == answer


def test_a_looping_jobs_list_forgets_its_time_cursor() -> None:
    request = Request.of("GET", "/v1/jobs?type=flow&createdAt_lte=5")
    strike = struck(spec("loop")).strike(request, "/v1/jobs")
    assert strike.rewritten(request).query == (("type", "flow"),)
    assert struck().strike(request, "/v1/jobs").rewritten(request) is request


def test_altering_an_answer_without_content_keeps_it() -> None:
    for kind in ("missing_ids", "wrong_types", "bad_dates", "numbers_as_strings"):
        assert ALTERATIONS[kind](Answer(204), GET).content is NOTHING
