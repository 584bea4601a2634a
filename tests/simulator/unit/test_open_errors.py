"""Error records: counts that equal the records, resolution, expiry, what a row holds."""

from collections import Counter

import pytest

from exporter.simulator.failures import ERROR_KINDS, RARE_CODES, ErrorKind, draw_kind, render_message, render_trace_key
from exporter.simulator.identity import stream
from exporter.simulator.open_errors import ErrorBook, ErrorRecord, StepErrors
from exporter.simulator.timestamps import iso
from tests.simulator.unit.build import DAY, KIND, START, record, run

FLOW, STEP, USER = "f" * 24, "5" * 24, "a" * 24


def book_with(count: int, cap: int = 100) -> ErrorBook:
    book = ErrorBook(cap)
    book.add(FLOW, STEP, [record(number, START + number) for number in range(count)])
    return book


def test_counts_are_the_number_of_records() -> None:
    book = book_with(7)
    book.add(FLOW, "6" * 24, [record(50)])
    assert book.open_count(FLOW) == 8
    assert {step_id: len(step.open) for step_id, step in book.steps(FLOW).items()} == {STEP: 7, "6" * 24: 1}


def test_a_flow_without_errors_counts_zero_and_has_no_last_one() -> None:
    book = ErrorBook(10)
    assert book.open_count(FLOW) == 0
    assert book.last_ms(FLOW) is None
    assert book.steps(FLOW) == {}


def test_the_room_of_a_step_shrinks_and_comes_back() -> None:
    book = book_with(7, cap=10)
    assert book.room(FLOW, STEP) == 3
    assert book.room(FLOW, "6" * 24) == 10
    book.resolve(FLOW, STEP, ["e0", "e1"], START, "auto", USER)
    assert book.room(FLOW, STEP) == 5


def test_bounds_follow_what_is_open() -> None:
    book = book_with(3)
    step = book.steps(FLOW)[STEP]
    seen = [step.bounds]
    for ids in (["e2"], ["e0", "e1"]):
        book.resolve(FLOW, STEP, ids, START + 9, "user", USER)
        seen.append(step.bounds)
    assert seen == [(START, START + 2), (START, START + 1), None]
    assert StepErrors().bounds is None


@pytest.mark.parametrize(("by", "who"), [("auto", "autopilot"), ("user", USER)])
def test_resolving_moves_records_and_says_who(by: str, who: str) -> None:
    book = book_with(3)
    assert book.resolve(FLOW, STEP, ["e0", "e2", "unknown"], START + 9, by, USER) == 2
    step = book.steps(FLOW)[STEP]
    assert [row.id for row in step.resolved] == ["e0", "e2"]
    assert {(row.resolved_ms, row.resolved_by) for row in step.resolved} == {(START + 9, who)}


def test_resolving_twice_counts_once() -> None:
    book = book_with(3)
    book.resolve(FLOW, STEP, ["e0"], START, "auto", USER)
    assert book.resolve(FLOW, STEP, ["e0"], START, "auto", USER) == 0
    assert sum(row.count for row in book.resolutions(FLOW, 0, START)) == 1


def test_the_run_of_a_resolved_error_knows_it() -> None:
    of = run()
    book = ErrorBook(10)
    book.add(FLOW, STEP, [record(1, of=of), record(2, of=of)])
    book.resolve(FLOW, STEP, ["e1"], START + 5, "auto", USER)
    assert of.num_resolved == 1
    assert of.modified_ms == START + 5


@pytest.mark.parametrize(("gt", "lte", "count"), [(-1, 10, 3), (0, 10, 2), (-1, 0, 1), (5, 9, 0), (5, 10, 2)], ids=str)
def test_resolutions_are_found_by_a_window_open_at_its_begin(gt: int, lte: int, count: int) -> None:
    book = book_with(3)
    book.resolve(FLOW, STEP, ["e0"], START, "auto", USER)
    book.resolve(FLOW, STEP, ["e1", "e2"], START + 10, "user", USER)
    assert sum(row.count for row in book.resolutions(FLOW, START + gt, START + lte)) == count


def test_expired_records_are_gone_without_being_resolved() -> None:
    book = book_with(3)
    assert book.expire(FLOW, STEP, ["e0", "nothing"], START - 1) == 1
    assert book.open_count(FLOW) == 2
    assert list(book.steps(FLOW)[STEP].resolved) == []
    assert book.expire(FLOW, "6" * 24, ["e0"], START) == 0


def test_resolved_records_are_forgotten_once_their_retention_is_over() -> None:
    book = book_with(3)
    kept = {each.id: each.occurred_ms for each in book.steps(FLOW)[STEP].open.values()}
    book.resolve(FLOW, STEP, ["e0"], START + 20, "user", USER)
    book.resolve(FLOW, STEP, ["e1", "e2"], START + 40, "auto", USER)
    assert book.expire(FLOW, STEP, [], kept["e0"]) == 0
    assert [each.id for each in book.steps(FLOW)[STEP].resolved] == ["e1", "e2"]
    book.expire(FLOW, STEP, [], START + 39)
    assert [row.count for row in book.resolutions(FLOW, 0, START + 50)] == [2]


def test_only_the_newest_resolved_records_are_kept() -> None:
    book = ErrorBook(5000)
    book.add(FLOW, STEP, [record(number) for number in range(2000)])
    book.resolve(FLOW, STEP, [f"e{number}" for number in range(2000)], START, "user", USER)
    assert len(book.steps(FLOW)[STEP].resolved) == 500


def numbered(number: int, kind: ErrorKind = KIND) -> dict[str, object]:
    return ErrorRecord("e1", START, kind, number, None).row(30 * DAY)


def test_a_row_has_its_times_and_no_run_when_none_is_known() -> None:
    content = numbered(1)
    assert (content["occurredAt"], content["purgeAt"]) == (iso(START), iso(START + 30 * DAY))
    assert not {"_flowJobId", "resolvedAt", "retryAt"} & set(content)


@pytest.mark.parametrize(
    ("classification", "present"), [("value", True), ("", True), (None, False)], ids=["given", "empty", "absent"]
)
def test_an_unclassified_error_has_no_classification_key(*, classification: str | None, present: bool) -> None:
    content = numbered(1, ErrorKind("application", "X", classification, "text"))
    assert ("classification" in content) is present


@pytest.mark.parametrize(("number", "retriable"), [(1, True), (7, False)])
def test_only_retriable_errors_have_retry_data(*, number: int, retriable: bool) -> None:
    content = numbered(number)
    assert content["retriable"] is retriable
    assert ("retryDataKey" in content) is retriable


def test_errors_are_assigned_to_users_by_id_to_users_as_objects_and_mostly_to_nobody() -> None:
    values = [numbered(number)["assignedTo"] for number in range(2000)]
    kinds = Counter(type(value).__name__ if value else repr(value) for value in values)
    assert set(kinds) == {"str", "dict", "None", "''"}
    assert kinds["None"] > len(values) / 2
    assert any("@" in value["email"] for value in values if isinstance(value, dict))


def test_messages_and_trace_keys_hold_invented_personal_data() -> None:
    messages = {render_message(kind, number) for kind in ERROR_KINDS for number in range(20)}
    assert any("@customer.example" in text for text in messages)
    assert not any("{" in text for text in messages)
    assert any("@" in render_trace_key(number) for number in range(3))


def test_the_codes_of_the_guide_an_unknown_source_and_an_unknown_class_exist() -> None:
    codes = {kind.code for kind in ERROR_KINDS}
    assert {"FIELD_VALIDATION_ERROR", "DUPLICATE_RECORD", "CONNECTION_ERROR", "LOOKUP_NOT_FOUND", "422"} <= codes
    assert {"quantum_gate"} <= {kind.source for kind in ERROR_KINDS}
    assert {"entangled", "", None} <= {kind.classification for kind in ERROR_KINDS}


def test_a_flow_mostly_raises_its_usual_errors_and_seldom_one_of_many_rare_codes() -> None:
    draws = stream(1, "kinds")
    kinds = [draw_kind(draws, (0, 1, 2)) for _ in range(3000)]
    usual = sum(kind in ERROR_KINDS[:3] for kind in kinds)
    rare = {kind.code for kind in kinds if kind.code.startswith("E-")}
    assert 2200 < usual < 2700
    assert 100 < len(rare) <= RARE_CODES
