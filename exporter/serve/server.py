"""`celigo-exporter serve` without its flags: sockets, fleet, uvicorn, and a clean end."""

import logging
import signal
import socket
from collections.abc import Callable, Mapping, Sequence

import uvicorn

from exporter import __version__
from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.serve.app import build_app
from exporter.serve.fleet import Fleet
from exporter.serve.sockets import open_sockets, url_of

_GRACE_SECONDS = 2
_HEADER_BYTES = 16 * 1024
_log = logging.getLogger(__name__)


def serve(
    settings: Settings, environ: Mapping[str, str], clock: Clock, started: Callable[[Sequence[str]], None] | None = None
) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean end. Raises ConfigError for what is wrong locally.

    `started` is told the URLs once the sockets are open. One collection is started at once, so that the first scrape
    finds something; afterwards only scrapes start any.
    """
    sockets = open_sockets(settings.web.listen_addresses)
    try:
        with Fleet(settings, environ, clock) as fleet:
            urls = [url_of(each) for each in sockets]
            _log.info("celigo-exporter %s listens on %s", __version__, ", ".join(urls))
            _log.info("runs are counted in memory: after a restart the counters start anew")
            fleet.trigger()
            if started is not None:
                started(urls)
            _run(fleet, sockets)
    finally:
        for each in sockets:
            each.close()
    return 0


def uvicorn_config(fleet: Fleet) -> uvicorn.Config:
    """How the application is served: HTTP/1.1 with keep-alive, bounded headers, no access log."""
    return uvicorn.Config(
        build_app(fleet),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _run(fleet: Fleet, sockets: list[socket.socket]) -> None:
    # uvicorn raises the signal again when it has ended; with these handlers that is no second end.
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(uvicorn_config(fleet)).run(sockets=sockets)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
