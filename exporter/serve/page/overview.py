"""All accounts, the worst first: a row each, and a page of its own for each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from exporter.account import AccountRuntime
from exporter.config.address import PROBE_PATH
from exporter.serve.page.moment import Moment
from exporter.serve.page.standing import Standing, standing
from exporter.serve.page.trouble import Trouble, length
from exporter.serve.page.views import Cell, Column, Overview, Row, Table, Tile, Tone, tone_of
from exporter.serve.page.words import ago, count, counted, visible

ACCOUNTS = 50
"""Accounts on one page of the overview."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the overview tells of one account. `overdue` is None while it is not known."""

    runtime: AccountRuntime
    standing: Standing
    trouble: Trouble
    overdue: int | None

    @property
    def badness(self) -> tuple[int, int, str]:
        """Orders accounts, the worst first."""
        parts = (self.overdue, length(self.trouble.failing), length(self.trouble.offline))
        return self.standing.rank, -sum(filter(None, parts)), self.runtime.account.name


def summaries(moment: Moment) -> list[Summary]:
    """All accounts, the worst first."""
    return sorted((_summary(moment, each) for each in moment.accounts), key=lambda each: each.badness)


def _summary(moment: Moment, runtime: AccountRuntime) -> Summary:
    trouble = moment.trouble(runtime)
    overdue = length(trouble.overdue(moment.server_now(runtime)))
    return Summary(runtime, standing(runtime, moment.now), trouble, overdue)


def accounts_up(found: Sequence[Summary]) -> str:
    """How many are up of those that are known here, and how many another replica knows."""
    here = [each for each in found if each.standing.word != "elsewhere"]
    away = len(found) - len(here)
    others = f"{counted(away, 'account')} with other replicas" if away else ""
    if away and not here:
        return others
    up = sum(each.standing.word == "up" for each in here)
    return ", ".join(filter(None, (f"{up} of {counted(len(here), 'account')} up", others)))


def overview(found: Sequence[Summary], number: int, base: str, now: float) -> Overview:
    """Page `number`, from 1, of the accounts; one that there is not is the last. `now` is Unix seconds."""
    pages = max(1, -(-len(found) // ACCOUNTS))
    number = min(max(1, number), pages)
    chosen = found[(number - 1) * ACCOUNTS : number * ACCOUNTS]
    columns = (
        Column("Account"), Column("State"), Column("Flows", numeric=True), Column("Overdue", numeric=True),
        Column("Failing", numeric=True), Column("Open errors", numeric=True), Column("Offline", numeric=True),
        Column("Runs read"), Column("Why"),
    )  # fmt: skip
    table = Table(
        "accounts",
        "The worst first; a name leads to all about it" if pages == 1 else f"The worst first, page {number} of {pages}",
        columns,
        tuple(_row(each, base, now) for each in chosen),
        max(0, len(found) - number * ACCOUNTS),
        Cell("No account is configured.", "wait"),
    )
    return Overview(
        tiles=tuple(_tiles(found)),
        table=table,
        before=f"{base}/?page={number - 1}" if number > 1 else None,
        after=f"{base}/?page={number + 1}" if number < pages else None,
    )


def account_link(base: str, name: str) -> str:
    """Where an account is told of in full."""
    return f"{base}/?account={quote(name, safe='')}"


def probe_link(base: str, name: str) -> str:
    """Where an account's metrics are without those of others."""
    return f"{base}{PROBE_PATH}?account={quote(name, safe='')}"


def _row(each: Summary, base: str, now: float) -> Row:
    account, trouble = each.runtime.account, each.trouble
    name, where = visible(account.name), visible(f"{account.environment} · {account.host}")
    return Row(
        account.name,
        (
            Cell(name, href=account_link(base, account.name), title=name, note=where),
            Cell(each.standing.word, each.standing.mark.tone),
            Cell(count(length(trouble.flows))),
            _figure(each.overdue, "bad"),
            _figure(length(trouble.failing), "bad"),
            _figure(trouble.open_errors, "warn"),
            _figure(length(trouble.offline), "bad"),
            Cell(_runs_read(each, now)),
            Cell(each.standing.why),
        ),
    )


def _runs_read(each: Summary, now: float) -> str:
    if each.runtime.elsewhere:
        return count(None)
    watermark = each.runtime.runs_watermark
    return "not yet" if watermark is None else ago(watermark, now)


def _figure(number: int | None, worst: Tone) -> Cell:
    """A number, marked only when it is trouble: a table of signs for what is well would hide the rest."""
    return Cell(count(number), worst if number else None)


def _tiles(found: Sequence[Summary]) -> Iterator[Tile]:
    here = [each for each in found if each.standing.word != "elsewhere"]
    up = sum(each.standing.word == "up" for each in here)
    away = f"{count(len(found) - len(here))} with other replicas" if len(here) < len(found) else ""
    yield Tile("Accounts up", f"{count(up)} of {count(len(here))}", away, tone_of(len(here) - up, "bad"))
    troubles = [each.trouble for each in found]
    known = sum(each.flows is not None for each in troubles)
    note = "" if known == len(troubles) else f"known of {counted(known, 'account')}"
    yield Tile("Flows", count(_sum([length(each.flows) for each in troubles])), note)
    totals: Sequence[tuple[str, int | None, Tone]] = (
        ("Overdue", _sum([each.overdue for each in found]), "bad"),
        ("Failing", _sum([length(each.failing) for each in troubles]), "bad"),
        ("Open errors", _sum([each.open_errors for each in troubles]), "warn"),
        ("Offline", _sum([length(each.offline) for each in troubles]), "bad"),
    )
    for label, total, worst in totals:
        yield Tile(label, count(total), "", tone_of(total, worst))


def _sum(numbers: Sequence[int | None]) -> int | None:
    """Of those that are known; None when none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
