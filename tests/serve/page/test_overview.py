"""All accounts on one page: the worst first, bounded, each with a page of its own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

import pytest

from exporter.config.settings import Account, Settings, TokenSource
from exporter.serve.fleet import Fleet
from exporter.serve.page.overview import ACCOUNTS
from exporter.serve.page.render import render
from exporter.serve.page.trouble import Troubles
from tests.clocks import ManualClock
from tests.serve.page.crowd import Idle
from tests.serve.page.reading import UNKNOWN, links, notices, table, text, tiles
from tests.serve.rig import rig


@contextmanager
def fleet_of(*names: str) -> Iterator[Fleet]:
    """Accounts of which nothing is known yet."""
    accounts = tuple(Account(name, TokenSource(env="T"), "http://127.0.0.1:9", None) for name in names)
    with Fleet(Settings(accounts), {"T": "prober-token-4f1c"}, ManualClock(), Idle) as fleet:
        yield fleet


def page_of(fleet: Fleet, name: str | None = None, number: int = 1) -> str:
    return render(fleet, Troubles(), name, number).content.decode()


def title(page: str) -> str:
    return text(page.split("<title>")[1].split("</title>")[0])


def test_what_is_not_known_is_a_dash_and_no_0() -> None:
    with fleet_of("acme", "globex") as fleet:
        page = page_of(fleet)
    state, *figures, read, why = table(page, "accounts")["acme production · 127.0.0.1:9"]
    assert (state, read, why) == ("waiting", "not yet", "the first collection")
    assert set(figures) == {UNKNOWN}
    assert tiles(page)["Flows"].startswith(UNKNOWN)


def test_the_worst_account_is_first_and_the_title_tells_how_many_are_up() -> None:
    with rig(accounts=3) as exporter:
        exporter.upstreams[1].answers["/v1/tokenInfo"] = (401, {"message": "Unauthorized"})
        exporter.upstreams[2].answers["/v1/connections"] = (500, {})
        exporter.scrape()
        exporter.idle()
        page = exporter.get("/").text
    rows = table(page, "accounts")
    assert [name.split()[0] for name in rows] == ["account-1", "account-2", "account-0"]
    assert [cells[0] for cells in rows.values()] == ["down", "degraded", "up"]
    assert [cells[-1] for cells in rows.values()] == ["unauthorized", "connections fails", ""]
    assert title(page) == "1 of 3 accounts up - celigo-exporter"
    assert tiles(page)["Accounts up"] == "1 of 3"
    assert tiles(page)["Flows"] == "3"


def test_every_account_can_be_reached_and_no_page_is_long() -> None:
    names = [f"shop {number:03}" for number in range(2 * ACCOUNTS + 7)]
    with fleet_of(*names) as fleet:
        pages = [page_of(fleet, number=number) for number in (1, 2, 3)]
        assert pages[2] == page_of(fleet, number=99), "a page that there is not is the last one"
    shown = [re.findall(r"account=shop%20(\d+)", page) for page in pages]
    assert [len(each) for each in shown] == [ACCOUNTS, ACCOUNTS, 7]
    assert sorted(f"shop {number}" for each in shown for number in each) == names
    assert "and 57 more" in text(pages[0])
    assert "/?page=2" in links(pages[0])
    assert {"/?page=1", "/?page=3"} <= set(links(pages[1]))
    assert "/?page=4" not in links(pages[2])


def test_an_account_has_a_page_of_its_own_with_a_way_back() -> None:
    with fleet_of("acme", "globex / 2 & more") as fleet:
        (link,) = [target for target in links(page_of(fleet)) if "globex" in target]
        assert link == f"/?account={quote('globex / 2 & more', safe='')}"
        page = page_of(fleet, "globex / 2 & more")
    assert title(page) == "globex / 2 & more is waiting - celigo-exporter"
    assert "All accounts" in text(page)


def test_a_single_account_is_all_there_is() -> None:
    with fleet_of("acme") as fleet:
        page = page_of(fleet)
    assert title(page) == "acme is waiting - celigo-exporter"
    assert "All accounts" not in text(page)
    assert 'id="collectors"' in page


@pytest.mark.parametrize("name", ["nobody", "", "<script>alert(1)</script>", "x" * 5000, "\udcff"])
def test_an_unknown_account_is_not_found_and_its_name_is_not_repeated(name: str) -> None:
    with rig(accounts=2) as exporter:
        answer = exporter.get(f"/?account={quote(name, errors='surrogateescape')}")
        assert answer.status_code == 404
        assert title(answer.text) == "No account of this name - celigo-exporter"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert not name or name not in answer.text.split("<body>")[1].split("<script>")[0]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 400, "٣"])
def test_a_page_number_that_makes_no_sense_is_forgiven(number: str) -> None:
    with rig(accounts=2) as exporter:
        assert "account-1" in exporter.get(f"/?page={number}").text


def test_an_account_that_is_gone_is_gone_from_the_page() -> None:
    with fleet_of("acme", "globex", "initech") as fleet:
        assert "globex" in page_of(fleet)
        left = tuple(account for account in fleet.settings.accounts if account.name != "globex")
        fleet.change(replace(fleet.settings, accounts=left))
        assert [name.split()[0] for name in table(page_of(fleet), "accounts")] == ["acme", "initech"]
        assert "No account" in title(page_of(fleet, "globex"))


def test_a_configuration_that_was_rejected_is_told_until_one_is_good() -> None:
    with fleet_of("acme") as fleet:
        fleet.clock.advance(600)  # type: ignore[attr-defined]  # a manual clock
        fleet.reloads.note("celigo.yml:3: profile: expected one of <lean>, standard, full", fleet.clock.time())
        (told,) = notices(page_of(fleet))
        assert "the newest one was rejected: celigo.yml:3: profile: expected one of <lean>, standard, full" in told
        assert "the one that was good 10 min ago is in effect" in told
        fleet.reloads.note(None, fleet.clock.time())
        assert not notices(page_of(fleet))
        assert tiles(page_of(fleet))["Configuration read"] == "0 s ago"


def test_nobody_scraping_is_told() -> None:
    with rig() as exporter:
        exporter.scrape()
        exporter.idle()
        assert title(exporter.get("/").text) == "account-0 is up - celigo-exporter"
        exporter.clock.advance(3600)
        page = exporter.get("/").text
    assert title(page) == "account-0 is idle - celigo-exporter"
    assert any("reads only when it is scraped" in line for line in notices(page))
