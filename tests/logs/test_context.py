"""Lines say whose work they belong to, also in threads that do it for somebody else."""

import logging
import re
import threading
from collections.abc import Iterator

import pytest

from exporter import logs
from exporter.collect.workers import Workers
from tests.logs.written import Written, written

LOG = logging.getLogger("exporter.tests.context")


@pytest.fixture
def log() -> Iterator[Written]:
    with written() as into:
        yield into


def test_inside_a_context_each_line_has_its_fields_and_outside_none(log: Written) -> None:
    with logs.context(account="acme"):
        with logs.context(collector="jobs", run_id="r1"):
            LOG.debug("in")
        LOG.debug("between")
    LOG.debug("out")
    within, between, out = log.lines()
    assert (within["account"], within["collector"], within["run_id"]) == ("acme", "jobs", "r1")
    assert between["account"] == "acme"
    assert "collector" not in between
    assert "account" not in out


def test_the_call_s_own_field_wins(log: Written) -> None:
    with logs.context(account="acme"):
        LOG.debug("m", extra={"fields": {"account": "bolt"}})
    assert log.lines()[0]["account"] == "bolt"


def test_a_context_ends_with_an_exception(log: Written) -> None:
    with pytest.raises(ValueError, match="x"), logs.context(account="acme"):
        raise ValueError("x")
    LOG.debug("m")
    assert "account" not in log.lines()[0]


def test_a_worker_thread_works_in_the_context_of_who_gave_it_the_task(log: Written) -> None:
    workers = Workers("account-acme", 2)
    tasks = []
    for number in range(20):
        with logs.context(request_id=f"q{number}"):
            tasks.append(workers.submit(lambda number=number: LOG.debug("m", extra={"fields": {"number": number}})))  # type: ignore[misc]  # a default is how a lambda keeps its number
    tasks.append(workers.submit(lambda: LOG.debug("nobody's")))
    for task in tasks:
        task.result(30)
    assert workers.close(30)
    assert all(line["request_id"] == f"q{line['number']}" for line in log.lines("m"))
    assert "request_id" not in log.lines("nobody's")[0]


def test_threads_do_not_see_each_other_s_context(log: Written) -> None:
    barrier = threading.Barrier(4)

    def work(name: str) -> None:
        with logs.context(account=name):
            barrier.wait(30)
            LOG.debug("m", extra={"fields": {"mine": name}})

    threads = [threading.Thread(target=work, args=(f"a{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(log.lines()) == 4
    assert all(line["account"] == line["mine"] for line in log.lines())


def test_ids_are_short_and_new_each_time() -> None:
    made = {logs.new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{12}", each) and logs.well_formed_id(each) for each in made)


@pytest.mark.parametrize("text", ["a", "5d1e0a7c-33f2", "A.b_c-9", "x" * 64])
def test_a_well_formed_id_is_taken(text: str) -> None:
    assert logs.well_formed_id(text) == text


@pytest.mark.parametrize(
    "text", [None, "", "x" * 65, "a b", "a\n", "a\nb", "-a", "ä", "a=b", 'a"', "\x1b[31m", "a\u202e"]
)
def test_anything_else_is_no_id(text: str | None) -> None:
    assert logs.well_formed_id(text) is None
