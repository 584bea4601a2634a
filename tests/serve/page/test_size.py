"""The page stays light, however many flows and accounts there are."""

from exporter.serve.page.render import render
from exporter.serve.page.trouble import Troubles
from tests.serve.page.crowd import crowd
from tests.serve.page.reading import table, text, tiles


def test_ten_thousand_flows_in_trouble_make_no_longer_page_than_a_hundred() -> None:
    sizes = []
    for flows in (100, 10_000):
        with crowd(1, flows) as (fleet, _):
            page = render(fleet, Troubles())
        content = page.content.decode()
        assert tiles(content)["Overdue"].split()[0] == f"{flows:,}"
        assert tiles(content)["Failing"].split()[0] == f"{flows:,}"
        assert tiles(content)["Open errors"] == f"{7 * flows:,} in {flows:,} flows"
        assert len(table(content, "overdue")) == len(table(content, "failing")) == len(table(content, "errors")) == 10
        assert text(content).count(f"and {flows - 10:,} more") == 3
        sizes.append(len(page.content))
    assert sizes[1] < 1.1 * sizes[0]
    assert sizes[1] < 64_000
    assert len(page.compressed) < 16_000


def test_three_hundred_accounts_make_a_page_of_fifty() -> None:
    with crowd(300, 3) as (fleet, _):
        page = render(fleet, Troubles())
    content = page.content.decode()
    assert len(table(content, "accounts")) == 50
    assert tiles(content)["Flows"] == "900"
    assert len(page.content) < 128_000


def test_the_worst_of_each_kind_are_the_ones_that_are_shown() -> None:
    with crowd(1, 500) as (fleet, _):
        content = render(fleet, Troubles()).content.decode()
    assert next(iter(table(content, "overdue"))) == "Flow 499 from the shop to the warehouse"
    assert next(iter(table(content, "errors"))) == "Flow 499 from the shop to the warehouse"
    assert next(iter(table(content, "failing"))) == "Flow 0 from the shop to the warehouse"


def test_flows_that_are_not_due_long_enough_are_not_overdue_until_they_are() -> None:
    with crowd(1, 4) as (fleet, clock):
        troubles = Troubles()
        runtime = fleet.accounts[0]
        trouble = troubles.of(runtime, fleet.settings.filters, clock.monotonic(), clock.time())
        assert trouble.late is not None
        first = trouble.late[0]
        assert trouble.overdue(first.late_from - 1) == ()
        assert trouble.overdue(first.late_from) == (first,)
