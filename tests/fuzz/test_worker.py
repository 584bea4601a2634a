"""The search itself: what breaks a promise is found, told and kept, and the search goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import Figures

RUNS = 3000
PLANTED = """
import sys
from pathlib import Path

from tests.fuzz import target, targets, worker

def check(held):
    if b"planted" in held:
        raise target.Broken("there it is")

target.HERE = Path({folder!r})
targets.target = lambda name: target.Target(name, "holds but for one word", check, words=({word!r},))
sys.argv = ["worker", "planted", "-runs={runs}", "-print_final_stats=1"]
worker.main()
"""


def searched(folder: Path, word: bytes) -> tuple[Figures, list[bytes]]:
    """What a search with `word` among its words came to, and the inputs that it kept."""
    code = PLANTED.format(folder=str(folder), word=word, runs=RUNS)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    figures = Figures(ended=ended.returncode == 0)
    for line in ended.stderr.splitlines():
        figures.read(line)
    return figures, [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("word", "places"), [(b"planted", 1), (b"harmless", 0)], ids=["planted", "harmless"])
def test_an_input_that_breaks_the_promise_is_kept_once_and_the_search_goes_on(
    tmp_path: Path, word: bytes, places: int
) -> None:
    figures, kept = searched(tmp_path, word)
    assert figures.ended
    assert figures.executions >= RUNS
    assert [place.split()[0] for place in figures.broken] == ["Broken"] * places
    assert len(kept) == places
    assert all(b"planted" in held for held in kept)
