"""What a scrape costs whoever waits for it: milliseconds from the request to the last byte, compressed, on loopback.

The exporter and what it is compared with take turns, so that whatever else the machine does meets all of them.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import urlsplit

from tests.bench import copies
from tests.bench.refreshes import HALF_AN_HOUR, STEP, Bench

ROUNDS = 5
QUICK = 8
"""Scrapes in a round of those that take milliseconds."""

SCRAPERS, TRIES = 50, 3
AN_HOUR = 2 * HALF_AN_HOUR
FRESH_SECONDS = 40.0
"""So long after a refresh nothing is due; the shortest interval is a minute."""

BESIDE = 3
"""Refreshes beside which scrapes are timed."""

ARRIVAL_SECONDS = 0.05
QUIET = 40

IMPATIENT = {"X-Prometheus-Scrape-Timeout-Seconds": "0.6"}
"""A scraper that waits for a tenth of a second: the run that outlives it makes no later scrape wait."""


class Scraper:
    """One connection that is kept open where the server keeps it; use it in `with`."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=300)
        self._headers = {"Accept-Encoding": "gzip", **(headers or {})}

    def __enter__(self) -> "Scraper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def scrape(self) -> bytes:
        """The text that it was answered with, unpacked."""
        answer, body = self._asked()
        return copies.unpacked(body, answer.getheader("Content-Encoding"))

    def timed(self) -> float:
        """Milliseconds of one scrape; nothing is unpacked."""
        began = perf_counter()
        answer, _ = self._asked()
        took = (perf_counter() - began) * 1000
        if answer.status != 200 or answer.getheader("Content-Encoding") != "gzip":
            raise RuntimeError(f"{self._path}: status {answer.status}, {answer.getheader('Content-Encoding')}")
        return took

    def raw(self) -> bytes:
        """The body as it came."""
        return self._asked()[1]

    def _asked(self) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        return answer, answer.read()


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Medians in milliseconds; `quiet` and `beside` are of scrapes over connections of their own.

    `requests_*` are those that the account got meanwhile.
    """

    series: int
    bytes: int
    bytes_compressed: int
    exporter: float
    bare: float
    library: float
    pushgateway: float | None
    quiet: float
    beside: float
    beside_slowest: float
    beside_count: int
    requests_nothing_due: int
    requests_one_scraper: int
    requests_many_scrapers: int


def measure(held: Bench) -> Scrapes:
    """All of it, of an account that was read to its end."""
    url = f"{held.exporter.url}/metrics"
    held.refresh()
    with Scraper(url) as ours:
        document, compressed = ours.scrape(), ours.raw()
    times = _in_turn(held, url, document, compressed)
    beside = _beside_refreshes(held, url)
    quiet = _quiet(held, url)
    held.refresh()
    # What becomes due by itself in these moments is in one of them; what scrapers cause would be in all.
    nothing_due = min(_requests(held, url, SCRAPERS) for _ in range(TRIES))
    return Scrapes(
        series=sum(not line.startswith(b"#") for line in document.splitlines()),
        bytes=len(document),
        bytes_compressed=len(compressed),
        exporter=times["exporter"],
        bare=times["bare"],
        library=times["library"],
        pushgateway=times.get("pushgateway"),
        quiet=statistics.median(quiet),
        beside=statistics.median(beside),
        beside_slowest=max(beside),
        beside_count=len(beside),
        requests_nothing_due=nothing_due,
        requests_one_scraper=_requests_in_an_hour(held, url, 1),
        requests_many_scrapers=_requests_in_an_hour(held, url, SCRAPERS),
    )


def _in_turn(held: Bench, url: str, document: bytes, compressed: bytes) -> dict[str, float]:
    """The median of each server."""
    with _scrapers(url, document, compressed) as scrapers:
        times: dict[str, list[float]] = {name: [] for name in scrapers}
        for each in scrapers.values():
            each.timed()
        held.refresh()
        fresh = perf_counter()
        for _ in range(ROUNDS):
            if perf_counter() - fresh > FRESH_SECONDS:
                held.refresh()
                fresh = perf_counter()
            scrapers["exporter"].timed()  # the first one after a refresh joins and compresses; those after it copy
            for name in ("exporter", "bare") * QUICK:
                times[name].append(scrapers[name].timed())
            for name in scrapers.keys() - {"exporter", "bare"}:
                times[name].append(scrapers[name].timed())
    return {name: statistics.median(each) for name, each in times.items()}


@contextmanager
def _scrapers(url: str, document: bytes, compressed: bytes) -> Iterator[dict[str, Scraper]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        urls = {
            "exporter": url,
            "bare": stack.enter_context(copies.bare(compressed, folder)),
            "library": stack.enter_context(copies.library(document, folder)),
        }
        with suppress(LookupError):  # the line says that it is missing
            urls["pushgateway"] = stack.enter_context(copies.pushgateway(document, folder))
        yield {name: stack.enter_context(Scraper(each)) for name, each in urls.items()}


def _beside_refreshes(held: Bench, url: str) -> Sequence[float]:
    """Times of scrapes that arrive while refreshes run, one percent of the flows having changed before each."""
    times: list[float] = []
    with Scraper(url, IMPATIENT) as scraper:
        for _ in range(BESIDE):
            held.account.change(held.next_flows(max(1, held.size // 100)))
            held.exporter.advance(STEP)
            refresh = threading.Thread(target=held.exporter.scrape)
            refresh.start()
            first = scraper.timed()
            # Of a small account the refresh is over before another scrape arrives.
            times += _arriving(url, refresh.is_alive) or [first]
            refresh.join()
    return times


def _quiet(held: Bench, url: str) -> Sequence[float]:
    """Times of as many scrapes that arrive while nothing runs."""
    held.refresh()
    left = iter(range(QUIET))
    return _arriving(url, lambda: next(left, None) is not None)


def _arriving(url: str, going_on: Callable[[], bool]) -> list[float]:
    """Times of scrapes that arrive in steps of time, each over a connection of its own, whatever became of the others.

    One scraper that asks as often as it is answered would hardly ever ask while the answer is slow.
    """
    times: list[float] = []

    def arrive() -> None:
        with Scraper(url, IMPATIENT) as scraper:
            times.append(scraper.timed())

    threads = []
    while going_on():
        threads.append(threading.Thread(target=arrive))
        threads[-1].start()
        time.sleep(ARRIVAL_SECONDS)
    for each in threads:
        each.join()
    return times


def _requests_in_an_hour(held: Bench, url: str, scrapers: int) -> int:
    """Requests that the account gets in an hour in which all is read that is ever read again."""
    found = 0
    for _ in range(AN_HOUR):
        held.exporter.advance(STEP)
        found += _requests(held, url, scrapers)
    return found


def _requests(held: Bench, url: str, scrapers: int) -> int:
    """Requests that the account got while so many scraped at once."""
    held.account.requests()

    def scraped(_: int) -> None:
        with Scraper(url, {"X-Prometheus-Scrape-Timeout-Seconds": "300"}) as scraper:
            scraper.timed()

    with ThreadPoolExecutor(scrapers) as pool:
        list(pool.map(scraped, range(scrapers)))
    return len(held.account.requests())
