"""What an hour of life costs one exporter process, by how many accounts it reads: the figures of docs/scaling.md.

All accounts are the same simulated one. It lives on, minute by minute, with a scrape of each account in each. The first
hour, in which everything is read for the first time, is not counted. Settings are the defaults, but for the budget: it
would only add waiting.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.scrapes import Scraper
from tests.e2e.moved import PATIENCE, Moved
from tests.e2e.proc import cpu_seconds, resident_bytes
from tests.e2e.simulated import SimulatedAccount, contracts_account

ACCOUNTS = (1, 10)
FLOWS = 1_000
MINUTES, MINUTE = 60, 60
HEADERS = {"X-Prometheus-Scrape-Timeout-Seconds": str(PATIENCE)}

_ACCOUNT = (
    "  - {{name: a{number}, base_url: '{url}', token_env: TOKEN,\n"
    "     rate_limit: {{requests_per_second: 300, burst: 1000}}}}\n"
)


@dataclass(frozen=True, slots=True)
class Hour:
    """The second hour of a process that reads so many accounts; sizes are those of one account's last document."""

    accounts: int
    flows: int
    requests: int
    cpu_seconds: float
    resident_mib: float
    threads: int
    series: int
    bytes: int
    bytes_compressed: int


def measure(flows: int = FLOWS, minutes: int = MINUTES) -> list[Hour]:
    """One process after the other."""
    return [_hour(accounts, flows, minutes) for accounts in ACCOUNTS]


def _hour(accounts: int, flows: int, minutes: int) -> Hour:
    with contracts_account(flows) as account, TemporaryDirectory() as folder:
        listed = "".join(_ACCOUNT.format(number=number, url=account.url) for number in range(accounts))
        exporter = Moved(Path(folder), f"accounts:\n{listed}state: {{path: {folder}/state.db}}\n")
        with exporter:
            exporter.answering(f"{exporter.url}/-/ready")
            scrapers = [Scraper(f"{exporter.url}/probe?account=a{number}", HEADERS) for number in range(accounts)]
            _live(account, exporter, scrapers, minutes)
            account.requests()
            before, asked = cpu_seconds(exporter.pid), [0]
            _live(account, exporter, scrapers, minutes, lambda: asked.append(len(account.requests())))
            used = cpu_seconds(exporter.pid) - before
            document, compressed = scrapers[0].scrape(), scrapers[0].raw()
            for each in scrapers:
                each.close()
            return Hour(
                accounts,
                flows,
                sum(asked),
                used,
                resident_bytes(exporter.pid) / (1 << 20),
                len(list(Path(f"/proc/{exporter.pid}/task").iterdir())),
                sum(not line.startswith(b"#") for line in document.splitlines()),
                len(document),
                len(compressed),
            )


def _live(
    account: SimulatedAccount,
    exporter: Moved,
    scrapers: list[Scraper],
    minutes: int,
    each: Callable[[], object] = lambda: None,
) -> None:
    for _ in range(minutes):
        account.advance(MINUTE)
        exporter.advance(MINUTE)
        for scraper in scrapers:
            scraper.raw()
        each()


def content(found: list[Hour]) -> dict[str, Any]:
    """As JSON has it; what one account more comes to is what the two processes differ in."""
    return {"processes": [asdict(each) for each in found], "one_account": one_account(found)}


def one_account(found: list[Hour]) -> dict[str, float]:
    """What an account comes to in an hour, apart from what a process takes by itself."""
    first, last = found[0], found[-1]
    more = last.accounts - first.accounts
    per_account = (last.resident_mib - first.resident_mib) / more
    return {
        "requests": (last.requests - first.requests) / more,
        "cpu_seconds": (last.cpu_seconds - first.cpu_seconds) / more,
        "resident_mib": per_account,
        "process_mib": first.resident_mib - first.accounts * per_account,
        "threads": (last.threads - first.threads) / more,
        "series": last.series,
        "bytes": last.bytes,
        "bytes_compressed": last.bytes_compressed,
    }


def show(found: list[Hour]) -> None:
    """Print the figures as tables."""
    columns = ("accounts", "requests", "CPU", "memory", "threads")
    table = Table(*columns, title=f"an hour of accounts of {found[0].flows:,} flows")
    for each in found:
        figures = (f"{each.requests:,}", f"{each.cpu_seconds:.1f} s", f"{each.resident_mib:,.0f} MiB")
        table.add_row(str(each.accounts), *figures, str(each.threads))
    Console(width=110).print(table)
    table = Table("one account", "figure", title="what one more comes to")
    for name, value in one_account(found).items():
        table.add_row(name, f"{value:,.2f}")
    Console(width=110).print(table)
