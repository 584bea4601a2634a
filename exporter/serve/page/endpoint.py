"""Answers requests for the page: each is made at most once a second, however many browsers are open."""

import threading
from collections import OrderedDict

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from exporter.expose.negotiate import accepts_gzip
from exporter.serve.fleet import Fleet
from exporter.serve.page.render import page_headers, render
from exporter.serve.page.trouble import Troubles
from exporter.serve.page.views import Rendered

KEPT_SECONDS = 1.0
"""How old a page may be when it is sent."""

KEPT_PAGES = 32
"""Pages of so many accounts are kept; with more open at once they are made more often."""

_NAME_CHARACTERS = 200
_Key = tuple[str | None, int]


class PageEndpoint:
    """The page of one fleet. `answer` belongs to the event loop, `rendered` to any thread."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._troubles = Troubles()
        self._kept: OrderedDict[_Key, tuple[float, Rendered]] = OrderedDict()
        self._lock = threading.Lock()  # guards _kept and _troubles, and is held while a page is made
        # One thread: waiting browsers must not take those that scrapes need.
        self._limiter = CapacityLimiter(1)

    async def answer(self, request: Request) -> Response:
        """The overview, or with `?account=` one account; 404 when there is none of that name."""
        key = _key(request)
        page = self._fresh(key)
        if page is None:
            page = await to_thread.run_sync(self.rendered, key, limiter=self._limiter)
        headers = dict(page_headers())
        compressed = accepts_gzip(request.headers.get("Accept-Encoding"))
        if compressed:
            headers["Content-Encoding"] = "gzip"
        content = page.compressed if compressed else page.content
        return Response(content, page.status, headers, "text/html")

    def rendered(self, key: _Key) -> Rendered:
        """The page as it was at most a second ago."""
        with self._lock:
            page = self._fresh(key)
            if page is None:
                page = render(self._fleet, self._troubles, *key)
                if page.status == 200:
                    self._keep(key, page)
            return page

    def _fresh(self, key: _Key) -> Rendered | None:
        at, page = self._kept.get(key, (0.0, None))
        return page if page is not None and 0 <= self._fleet.clock.monotonic() - at < KEPT_SECONDS else None

    def _keep(self, key: _Key, page: Rendered) -> None:
        self._kept[key] = (self._fleet.clock.monotonic(), page)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_PAGES:
            self._kept.popitem(last=False)


def _key(request: Request) -> _Key:
    """Which page is meant; what makes no sense means the first page."""
    name, number = request.query_params.get("account"), request.query_params.get("page", "")
    if name is not None:
        return name[:_NAME_CHARACTERS], 1
    return None, int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
