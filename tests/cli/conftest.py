"""Calls of the command line in this process, and what they left."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.cli import main
from tests.clocks import ManualClock


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended and what it wrote."""

    status: int
    out: str
    err: str


Call = Callable[..., Ended]
ENVIRON: Mapping[str, str] = {"CELIGO_API_TOKEN": "prober-token-4f1c"}


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the program with arguments and an environment; a clock that stands still."""

    def run(*arguments: str, environ: Mapping[str, str] = ENVIRON) -> Ended:
        status = main(arguments, environ, ManualClock())
        written = capsys.readouterr()
        return Ended(status, written.out, written.err)

    return run


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "celigo.yml"
    path.write_text("accounts:\n  - name: acme\n    environment: sandbox\n    token_env: CELIGO_API_TOKEN\n")
    return path
