"""What a request for the page costs: it asks nobody, is made once a second, and holds up no scrape."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from exporter.config.settings import Account, Settings, TokenSource
from exporter.serve.fleet import Fleet
from exporter.serve.page import endpoint, render
from exporter.serve.page.endpoint import KEPT_PAGES, KEPT_SECONDS, PageEndpoint
from exporter.serve.page.trouble import Troubles
from tests.clocks import ManualClock
from tests.serve.page.crowd import Idle
from tests.serve.rig import rig


@contextmanager
def pages(count: int = 2) -> Iterator[tuple[PageEndpoint, ManualClock]]:
    """The pages of accounts of which nothing is known."""
    clock = ManualClock(participants=0)
    names = [f"account-{number}" for number in range(count)]
    accounts = tuple(Account(name, TokenSource(env="T"), "http://127.0.0.1:9", None) for name in names)
    with Fleet(Settings(accounts), {"T": "prober-token-4f1c"}, clock, Idle) as fleet:
        yield PageEndpoint(fleet), clock


def test_a_page_is_kept_for_a_second_and_then_made_anew() -> None:
    with pages() as (made, clock):
        first = made.rendered((None, 1))
        clock.advance(KEPT_SECONDS - 0.01)
        assert made.rendered((None, 1)) is first
        clock.advance(0.02)
        assert made.rendered((None, 1)) is not first


def test_each_account_has_its_own() -> None:
    with pages() as (made, _):
        assert b"account-0 is" in made.rendered(("account-0", 1)).content
        assert b"account-1 is" in made.rendered(("account-1", 1)).content
        assert b"0 of 2 accounts" in made.rendered((None, 1)).content


def test_few_pages_are_kept_and_none_that_is_not_found() -> None:
    with pages(KEPT_PAGES + 1) as (made, _):
        first = made.rendered(("account-0", 1))
        for number in range(KEPT_PAGES):
            assert made.rendered((f"nobody-{number}", 1)).status == 404
        assert made.rendered(("account-0", 1)) is first
        for number in range(1, KEPT_PAGES + 1):
            made.rendered((f"account-{number}", 1))
        assert made.rendered(("account-0", 1)) is not first


def test_fifty_browsers_at_once_cost_one_page() -> None:
    with pages() as (made, _):
        together = threading.Barrier(50)

        def browse() -> object:
            together.wait(60)
            return made.rendered((None, 1))

        with ThreadPoolExecutor(50) as pool:
            answers = [each.result(60) for each in [pool.submit(browse) for _ in range(50)]]
        assert len({id(page) for page in answers}) == 1


def test_the_page_asks_the_api_for_nothing() -> None:
    with rig() as exporter:
        exporter.scrape()
        exporter.idle()
        before = exporter.upstream.total
        exporter.clock.advance(3600)
        for _ in range(5):
            exporter.clock.advance(2)
            assert exporter.get("/").status_code == 200
        assert exporter.upstream.total == before


def test_the_page_is_there_while_the_api_hangs_and_families_are_made() -> None:
    with rig() as exporter:
        exporter.upstream.hold("/v1/flows")
        exporter.fleet.trigger()
        exporter.upstream.arrived("/v1/flows")
        snapshots = exporter.fleet.accounts[0]._snapshots
        with snapshots._lock:  # as while a large block is rendered
            assert exporter.get("/").status_code == 200


def test_what_it_is_made_of_is_worked_out_again_only_when_something_is_new() -> None:
    with rig() as exporter:
        exporter.scrape()
        exporter.idle()
        fleet, troubles = exporter.fleet, Troubles()
        account = fleet.accounts[0]

        def trouble() -> object:
            return troubles.of(account, fleet.settings.filters, fleet.clock.monotonic(), fleet.clock.time())

        first = trouble()
        assert trouble() is first
        exporter.clock.advance(61)
        exporter.scrape()
        exporter.idle()
        assert trouble() is not first
        assert render.render(fleet, troubles).status == 200
        assert endpoint.KEPT_SECONDS <= 5, "a browser that asks every 5 s never gets the same page twice"
