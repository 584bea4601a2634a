"""Ends that nobody asked for: an interrupt, a reader that goes away, a bug."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.commands.simulator import stopping
from tests.cli.conftest import Call


def failing(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> int:
        raise error

    return fail


@pytest.mark.parametrize("command", ["serve", "metrics"])
def test_an_interrupt_ends_without_a_traceback(call: Call, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    part = {"serve": "exporter.serve.server.serve", "metrics": "exporter.serve.once.collect_once"}[command]
    monkeypatch.setattr(part, failing(KeyboardInterrupt()))
    ended = call(command)
    assert (ended.status, ended.out, ended.err) == (130, "", "")


def test_a_reader_that_went_away_ends_without_a_traceback(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.check.run.run_check", failing(BrokenPipeError()))
    ended = call("check")
    assert (ended.status, ended.err) == (141, "")


def test_a_bug_is_not_dressed_up_as_a_mistake_of_the_user(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.serve.server.serve", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        call("serve")


Handlers = dict[signal.Signals, Any]


@pytest.fixture
def handlers() -> Iterator[Handlers]:
    before: Handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield before.copy()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_the_handlers_are_put_back(number: int, handlers: Handlers) -> None:
    with stopping() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(30)
    assert {each: signal.getsignal(each) for each in handlers} == handlers


def test_nothing_heavy_is_imported_for_help(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("exporter.serve.server", "exporter.serve.demo", "exporter.simulator", "exporter.check.run"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it now fails
    assert call("--help").status == 0
    assert call("config", "check").status == 0
