"""`celigo-exporter serve` without its flags: sockets, fleet, uvicorn, and a clean end."""

import logging
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from exporter import __version__, logs
from exporter.clock import Clock
from exporter.config.settings import Settings, StateSettings
from exporter.serve.allocator import tighten
from exporter.serve.app import build_app
from exporter.serve.backfill_bar import BackfillBar
from exporter.serve.fleet import Fleet
from exporter.serve.interpreter import tuned
from exporter.serve.reload import Reloader
from exporter.serve.sockets import open_sockets, url_of
from exporter.serve.web_metrics import WebBlocks
from exporter.web.front import Front, FrontServer
from exporter.web.limits import HEADER_BYTES

_GRACE_SECONDS = 2
_log = logging.getLogger(__name__)


def serve(
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    started: Callable[[Sequence[str]], None] | None = None,
    load: Callable[[], Settings] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean end. Raises ConfigError for what is wrong locally.

    `started` is told the URLs once the sockets are open. One collection is started at once, so that the first scrape
    finds something; afterwards only scrapes start any. `load` gives the settings anew for a reload; without it they
    stay.
    """
    tighten()
    front = Front(settings.web.config_file, clock)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until there is something to reload
    blocks = WebBlocks(front.keeper, front.tally, clock)
    sockets = open_sockets(settings.web.listen_addresses)
    try:
        with tuned(), Fleet(settings, environ, clock, beside=[blocks]) as fleet:
            urls = [url_of(each, front.scheme) for each in sockets]
            _log.info("listening", extra={"fields": {"version": __version__, "addresses": ", ".join(urls)}})
            if fleet.state.trouble is None:  # a trouble was told when the file was opened
                _tell_state(settings.state)
            fleet.trigger()
            with fleet.attending(), BackfillBar(fleet.backfill_ratios), Reloader(fleet, load or (lambda: settings)):
                _run(fleet, front, sockets, lambda: started(urls) if started is not None else None)
    finally:
        logs.tell_all()
        for each in sockets:
            each.close()
        front.close()
    _log.info("ended")
    return 0


def _tell_state(state: StateSettings) -> None:
    if state.place is None:
        _log.info("runs are counted in memory: after a restart the counters start anew")
    elif state.redis is not None:
        _log.info("counters are in Redis, and replicas share the accounts", extra={"fields": {"url": state.place}})
    else:
        _log.info("counters survive a restart", extra={"fields": {"path": state.place}})


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """How an application is served: HTTP/1.1 with keep-alive, bounded headers, no access log.

    Nobody is believed about whom a request came from: an address stands for itself, or guessing has no end.
    """
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(FrontServer):
    """Tells the fleet as soon as a signal comes, so that scrapes that wait are answered with what is there."""

    def __init__(self, fleet: Fleet, front: Front) -> None:
        super().__init__(uvicorn_config(front.gate(build_app(fleet))), front)
        self._fleet = fleet

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; called by a signal."""
        self._fleet.stop()
        super().handle_exit(sig, frame)


def _run(fleet: Fleet, front: Front, sockets: list[socket.socket], started: Callable[[], None]) -> None:
    server = _Server(fleet, front)
    # Also for signals before uvicorn takes them over, and when it raises them again after its end.
    before = {each: signal.signal(each, server.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: fleet.reload_requests.request())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        started()
        server.run(sockets=sockets)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
