"""One simulated account: its clock, engine, API port and control port."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.simulator import truth
from exporter.simulator.access import TokenGate
from exporter.simulator.bucket import Bucket
from exporter.simulator.clock import SimClock
from exporter.simulator.control import Control
from exporter.simulator.faults import FaultSet
from exporter.simulator.gateway import Gateway
from exporter.simulator.http_server import HttpServer
from exporter.simulator.incidents import IncidentDesk
from exporter.simulator.journal import Journal
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.past import populate
from exporter.simulator.resources import JsonObject


class Simulator:
    """An account of integrator.io on two ports of this machine. Thread-safe.

    Use it in `with`, or call `start` and `stop`. `url` is the base URL for a client,
    `token` the only valid one.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.clock = SimClock(self.options.base_clock, self.options.start, self.options.speed)
        self.engine = populate(self.options, self.clock.now_ms())
        monotonic = self.options.monotonic or time.monotonic
        self._journal = Journal(monotonic)
        self._faults = FaultSet(self.options.seed)
        self._gate = TokenGate(self.options.token)
        bucket = Bucket(self.options.bucket_size, self.options.bucket_rate, monotonic)
        gateway = Gateway(self.engine, self.clock, bucket, self._journal, self._faults, self._gate)
        self._desk = IncidentDesk(self.engine, self.clock, self._faults, self._gate)
        control = Control(self.engine, self.clock, self._desk, self._journal)
        self._api = HttpServer(gateway.handle, self.options.host, self.options.port, self._certificate())
        self._control = self._open_control(control)

    @property
    def url(self) -> str:
        """Base URL of the API, without `/v1`."""
        return self._api.url

    @property
    def control_url(self) -> str:
        """Base URL of the control API."""
        return self._control.url

    @property
    def token(self) -> str:
        """The valid API token."""
        return self.options.token

    def truth(self) -> JsonObject:
        """Return the ground truth as of now (what GET /truth of the control API answers)."""
        return truth.ground_truth(self.engine, self.clock.now_ms())

    def runs(self, since: float = 0.0, until: float = float("inf")) -> list[JsonObject]:
        """Return the job rows whose life touches a window of unix seconds."""
        return truth.run_rows(self.engine, self.clock.now_ms(), since, until)

    def requests(self, since: int = 0) -> list[JsonObject]:
        """Return the logged requests with a sequence number above `since`."""
        return self._journal.rows(since)

    def forget_requests(self) -> None:
        """Empty the request log; sequence numbers go on."""
        self._journal.clear()

    def inject(self, kind: str, **options: object) -> int:
        """Start an incident; returns its id. Raises BadIncident (a ValueError) with one clear line."""
        return self._desk.inject({"kind": kind, **options})

    def lift(self, incident_id: int) -> None:
        """End an incident; raises KeyError when there is none of that id."""
        self._desk.lift(incident_id)

    def lift_all(self) -> None:
        """End every incident."""
        self._desk.lift_all()

    def start(self) -> None:
        """Begin to serve."""
        self._api.start()
        self._control.start()

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self._api.stop()
        self._control.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open_control(self, control: Control) -> HttpServer:
        try:
            return HttpServer(control.handle, self.options.host, self.options.control_port)
        except OSError:
            self._api.stop()
            raise

    def _certificate(self) -> tuple[Path, Path] | None:
        if self.options.tls_cert is None or self.options.tls_key is None:
            return None
        return self.options.tls_cert, self.options.tls_key


def run(options: SimulatorOptions, stop_event: threading.Event) -> None:
    """Serve until `stop_event` is set."""
    with Simulator(options):
        stop_event.wait()
