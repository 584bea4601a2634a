"""Settings that come out of a pipe, as of a program that decrypts them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.config.file import FILE_BYTES, read_text
from exporter.config.problem import ConfigError
from tests.config.places import ENVIRON, MINIMAL

PATIENT, IMPATIENT = 300.0, 0.05
"""Seconds: never reached, whatever the machine; and reached each time, since nothing comes."""


@contextmanager
def written(path: Path, *parts: bytes) -> Iterator[None]:
    """Somebody writes `parts` into the named pipe at `path`, one after the other, and goes."""

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            try:
                for part in parts:
                    pipe.write(part)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    yield
    writer.join()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe that nobody has open."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_what_somebody_writes_into_a_named_pipe_is_read_to_its_end(pipe: Path) -> None:
    with written(pipe, b"accounts:\n", b"  - name: acme\n"):
        assert read_text(str(pipe), PATIENT) == "accounts:\n  - name: acme\n"


def test_a_pipe_that_holds_more_than_one_buffer_is_read_to_its_end(pipe: Path) -> None:
    with written(pipe, b"#" * FILE_BYTES):
        assert len(read_text(str(pipe), PATIENT)) == FILE_BYTES


def test_more_than_the_largest_file_is_refused_out_of_a_pipe_too(pipe: Path) -> None:
    with written(pipe, b"#" * FILE_BYTES, b"#" * FILE_BYTES), pytest.raises(ConfigError, match="the file is over 1024"):
        read_text(str(pipe), PATIENT)


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="the file is over 1024"):
        read_text("/dev/zero", PATIENT)


def test_a_pipe_that_nobody_writes_into_is_given_up_in_one_line(pipe: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(str(pipe), IMPATIENT)
    assert str(caught.value) == f"{pipe}: nothing came out of this pipe for 0.05 s"


def test_a_pipe_whose_writer_stops_in_the_middle_is_given_up(pipe: Path) -> None:
    held = os.open(pipe, os.O_RDWR)
    try:
        os.write(held, b"accounts:\n")
        with pytest.raises(ConfigError, match="nothing came out of this pipe"):
            read_text(str(pipe), IMPATIENT)
    finally:
        os.close(held)


def test_no_descriptor_is_left_open(pipe: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (str(pipe), "/dev/zero", str(pipe.parent), str(pipe.parent / "none")):
        with pytest.raises(ConfigError):
            read_text(path, IMPATIENT)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_output_of_a_command_is_a_settings_file(tmp_path: Path) -> None:
    (tmp_path / "plain.yml").write_text(MINIMAL)
    command = f"{sys.executable} -m exporter config check --config.file=<(cat {tmp_path}/plain.yml)"
    environ = {**os.environ, **ENVIRON}
    ended = subprocess.run(["/bin/bash", "-c", command], env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
