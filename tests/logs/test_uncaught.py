"""What nobody caught is a line of the log, without a traceback and without the exception's text."""

import json
import subprocess
import sys

PROGRAM = """
import sys, threading, warnings
from exporter import logs
logs.configure("info", "json")
logs.log_uncaught()

class Odd:
    def __del__(self):
        raise KeyError("jane.roe@example.com")

def fails():
    raise ValueError("jane.roe@example.com")

thread = threading.Thread(target=fails, name="account-acme-0")
thread.start()
thread.join()
odd = Odd()
del odd
warnings.warn("old\\nand so on", RuntimeWarning)
raise RuntimeError("jane.roe@example.com")
"""


def test_each_is_one_line_with_class_and_place_and_the_program_ends_with_status_1() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    thread, finaliser, warning, program = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (thread["msg"], thread["thread"], thread["exception"]) == (
        "a thread ends by a bug",
        "account-acme-0",
        "ValueError",
    )
    assert (finaliser["msg"], finaliser["exception"]) == ("a clean-up has a bug", "KeyError")
    assert (program["msg"], program["exception"]) == ("the program ends by a bug", "RuntimeError")
    assert program["at"].startswith("<string>:")
    assert (warning["logger"], warning["level"]) == ("py.warnings", "warning")
    assert warning["msg"].endswith("RuntimeWarning: old")
    assert "jane" not in ended.stderr
