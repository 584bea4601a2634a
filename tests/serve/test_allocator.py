"""The allocator's settings: threads share one heap."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, threading
from exporter.serve.allocator import tighten
if {tightened}:
    assert tighten()
barrier = threading.Barrier(8)
def work():
    block = b"x" * 40_000
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.parametrize(("tightened", "one"), [(True, True), (False, False)])
def test_threads_share_one_heap(tightened: bool, one: bool) -> None:
    text = PROGRAM.format(tightened=tightened)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stderr.count("Arena ") == 1) is one
