"""What the exporter does for an account and what that costs: collectors, calls, series."""

from collections import Counter
from collections.abc import Iterator, Mapping

from exporter.account import AccountRuntime
from exporter.collect.runner import CollectorStatus
from exporter.expose.families import Distribution, Series
from exporter.serve.page.flows import instant
from exporter.serve.page.views import Cell, Column, Row, Section, Table, Tile, Tone
from exporter.serve.page.words import count, share, size, span

FAMILIES = 15
"""How many families the table of series has."""


def collectors(runtime: AccountRuntime, now: float) -> Section:
    """Each collector: state, age, interval, cost, failures. `now` is Unix seconds."""
    columns = (
        Column("Collector"), Column("State"), Column("Last success"), Column("Every", numeric=True),
        Column("Took", numeric=True), Column("Requests", numeric=True), Column("Errors", numeric=True),
        Column("Last failure"),
    )  # fmt: skip
    rows = tuple(_collector(status, now) for status in runtime.statuses().values())
    table = Table("collector-rows", "Newest run of each collector", columns, rows, 0, Cell("Every collector is off."))
    return Section("collectors", "Collectors", (table,))


def _collector(status: CollectorStatus, now: float) -> Row:
    tone, word = _state(status)
    errors = sum(status.errors.values())
    cells = (
        Cell(status.collector),
        Cell(word, tone),
        instant(status.last_success, now),
        Cell(span(status.interval)),
        Cell("" if status.duration is None else f"{status.duration:.2f} s"),
        Cell("" if status.requests is None else count(status.requests)),
        Cell(count(errors), title=_reasons(status.errors)),
        Cell(status.failure or "", title=_lost(status)),
    )
    return Row(status.collector, cells)


def _state(status: CollectorStatus) -> tuple[Tone, str]:
    if status.disabled is not None:
        return "warn", "off"
    states: Mapping[bool | None, tuple[Tone, str]] = {
        None: ("wait", "waiting"), True: ("good", "ok"), False: ("bad", "failed")
    }  # fmt: skip
    return states[status.success]


def _reasons(errors: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {number}" for reason, number in sorted(errors.items()))


def _lost(status: CollectorStatus) -> str:
    """What the collector left out so far."""
    rejected = sum(status.rejected.values())
    parts = [f"{status.truncated} listings cut"] if status.truncated else []
    return ", ".join([*parts, f"{rejected} rows left out"] if rejected else parts)


def calls(runtime: AccountRuntime) -> Section:
    """The API by endpoint: requests, failures, how long, how many were spared."""
    requests = _by_endpoint(runtime.telemetry.series("celigo_api_requests_total"))
    errors = _by_endpoint(runtime.telemetry.series("celigo_api_errors_total"))
    durations = runtime.telemetry.series("celigo_api_request_duration_seconds")
    cache = runtime.telemetry.series("celigo_api_cache_requests_total")
    received = _by_endpoint(runtime.telemetry.series("celigo_api_response_bytes_total"))
    columns = (
        Column("Endpoint"), Column("Requests", numeric=True), Column("Failed", numeric=True),
        Column("Mean time", numeric=True), Column("Received", numeric=True), Column("From cache", numeric=True),
    )  # fmt: skip
    rows = tuple(
        Row(
            name,
            (
                Cell(name),
                Cell(count(number)),
                Cell(count(errors[name])),
                Cell(_mean(durations, name)),
                Cell(size(received[name])),
                Cell(_spared(cache, name)),
            ),
        )
        for name, number in requests.most_common()
    )
    table = Table(
        "endpoints", "By endpoint since the start, most calls first", columns, rows, 0, Cell("No call was made yet.")
    )
    return Section("calls", "Calls to integrator.io", (), tuple(_budget(runtime, cache)), table)


def _budget(runtime: AccountRuntime, cache: Series) -> Iterator[Tile]:
    limit = runtime.account.rate_limit
    waits = runtime.telemetry.series("celigo_api_rate_limit_wait_seconds_total")
    own, asked = _number(waits, ("budget",)), _number(waits, ("retry_after",))
    left = max(0.0, runtime.tokens())
    yield Tile("Budget", f"{left:.0f} of {limit.burst}", f"requests free now; {limit.requests_per_second:g} a second")
    yield Tile("Waited for it", span(own), "all requests together, since the start")
    yield Tile("Waited after 429", span(asked), "because integrator.io asked for it", "warn" if asked else None)
    yield Tile("From cache", *_cached(cache))


def _cached(cache: Series) -> tuple[str, str]:
    looked = sum(_float(value) for value in cache.values())
    spared = sum(_float(value) for (_, result), value in cache.items() if result != "miss")
    return share(spared, looked), f"{count(spared)} of {count(looked)} look-ups"


def _spared(cache: Series, name: str) -> str:
    results = {result: _float(value) for (endpoint, result), value in cache.items() if endpoint == name}
    return share(sum(results.values()) - results.get("miss", 0.0), sum(results.values())) if results else ""


def _mean(durations: Series, name: str) -> str:
    held = [each for (endpoint, _), each in durations.items() if endpoint == name and isinstance(each, Distribution)]
    number = sum(each.count for each in held)
    return f"{sum(each.sum for each in held) / number:.2f} s" if number else ""


def _by_endpoint(series: Series) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (endpoint, *_), value in series.items():
        totals[endpoint] += int(_float(value))
    return totals


def _number(series: Series, key: tuple[str, ...]) -> float:
    return _float(series.get(key, 0.0))


def _float(value: float | Distribution) -> float:
    return 0.0 if isinstance(value, Distribution) else float(value)


def series(runtime: AccountRuntime, most: int) -> Section:
    """Series by family, the largest first, as of the newest scrape; `most` is the bound on them."""
    served = runtime.served
    counts = Counter({name: number for block in served.blocks for name, number in block.series.items()})
    columns = (Column("Family"), Column("Series", numeric=True), Column("Share", numeric=True))
    total = counts.total()
    rows = tuple(
        Row(name, (Cell(name), Cell(count(number)), Cell(share(number, total))))
        for name, number in counts.most_common(FAMILIES)
    )
    nothing = Cell("Counted at the first scrape.", "wait")
    table = Table("families", "By family, largest first", columns, rows, max(0, len(counts) - FAMILIES), nothing)
    facts = (
        Tile("Series", count(total), f"at most {count(most)} (limits.series)"),
        Tile("Families", count(len(counts)), f"profile {runtime.profile}"),
    )
    return Section("series", "Series", tuple(_dropped(runtime)), facts, table)


def _dropped(runtime: AccountRuntime) -> Iterator[Table]:
    """What was left out since the start, if anything was."""
    left_out = {(name, "series_cap"): number for name, number in runtime.served.left_out.items()}
    folded = {key: number for key, number in runtime.dropped().items() if number}
    found = Counter({**left_out, **folded})
    if found:
        columns = (Column("Family"), Column("Why"), Column("Series", numeric=True), Column("Now"))
        rows = tuple(
            Row(f"{name} {why}", (Cell(name), Cell(_WHY.get(why, why)), Cell(count(number)), _now(runtime, name, why)))
            for (name, why), number in found.most_common(FAMILIES)
        )
        more = max(0, len(found) - FAMILIES)
        yield Table("dropped", "Left out since the start", columns, rows, more)


_WHY = {"series_cap": "limits.series", "label_bound": "too many labels: in other"}


def _now(runtime: AccountRuntime, name: str, why: str) -> Cell:
    if why != "series_cap":
        return Cell("")
    return Cell("left out", "warn") if name in runtime.served.missing else Cell("served again", "good")
