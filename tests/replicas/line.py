"""The network between an exporter and its Redis: a TCP proxy that can be cut, be slow, or lead elsewhere."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

from tests.e2e.processes import free_port

_CHUNK = 65_536


class Line:
    """Use it in `with`. `delay` is what each answer waits, in seconds; `target` a port of this machine.

    `answers` is how often something came back.
    """

    def __init__(self, target: int, *, delay: float = 0.0) -> None:
        self.port = free_port()
        self.delay = delay
        self.answers = 0
        self._target = target
        self._lock = threading.Lock()  # guards what follows
        self._listener: socket.socket | None = None
        self._ends: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.cut()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        with self._lock:
            ends, self._ends = self._ends | ({self._listener} if self._listener else set()), set()
            self._listener = None
        for end in ends:
            _close(end)

    def mend(self) -> None:
        """Let connections in again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def lead_to(self, target: int) -> None:
        """From now on to another port; open connections end."""
        self.cut()
        self._target = target
        self.mend()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=10)
            except OSError:
                _close(near)
                continue
            far.settimeout(None)
            with self._lock:
                gone = listener is not self._listener
                self._ends |= set() if gone else {near, far}
            if gone:
                _close(near)
                _close(far)
                continue
            for source, sink, slow in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pump, args=(source, sink, slow), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, slow: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self.answers += slow
                if slow and self.delay:
                    time.sleep(self.delay)  # this is the slowness itself; no test waits for it
                sink.sendall(data)
        _close(source)
        _close(sink)
        with self._lock:
            self._ends -= {source, sink}


def _close(end: socket.socket) -> None:
    # Only a shutdown wakes a thread that waits in accept or recv.
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
