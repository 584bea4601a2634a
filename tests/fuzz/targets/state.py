"""The state file, damaged: what is read is what was written, or nothing is read and the file stays as it is."""

import struct
import tempfile
from functools import cache
from pathlib import Path
from random import Random

from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import StateFile
from exporter.ledger.trouble import LASTING
from tests.clocks import EPOCH, ManualClock
from tests.fuzz.mutation import text
from tests.fuzz.target import Target, require
from tests.ledger.rows import finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import contents, filled

_CHANGE = struct.Struct("<IB")


@cache
def sound() -> bytes:
    """A state file with a little of everything."""
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder) / "state")
        return (Path(folder) / "state").read_bytes()


@cache
def folder() -> Path:
    """In memory where that can be had: every input writes a file."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))


def damaged(held: bytes) -> bytes:
    """The sound file after a list of changes: `C` is followed by places and bytes, `R` by other content as it is."""
    if held[:1] != b"C":
        return held[1:]
    content = bytearray(sound())
    for at in range(1, len(held) - 4, 5):
        place, value = _CHANGE.unpack_from(held, at)
        if value == 255 and place % 7 == 0:
            del content[place % (len(content) + 1) :]
        elif content:
            content[place % len(content)] = value
    return bytes(content)


def check(held: bytes) -> None:
    """Open the file, count a run on it, open it again."""
    path = folder() / "state"
    for each in folder().iterdir():
        each.unlink()
    path.write_bytes(damaged(held))
    before = contents(folder())
    with StateFile(path, (ACCOUNT,), ManualClock(), 0.0) as file:
        trouble = file.status.trouble
        require(trouble is None or trouble in LASTING, f"a trouble that may pass: {trouble}")
        require(file.status.persistent is (trouble is None), "a trouble that saves, or none that does not")
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([], "flow", EPOCH)
        ledger.observe([finished("new", EPOCH, flow_id="new")], "flow", EPOCH + 1)
        counted = ledger.tallies().flows
        saved = file.status.trouble is None
    if trouble is not None:
        require(contents(folder()) == before, "a file that cannot be read was changed")
    elif saved:
        with StateFile(path, (ACCOUNT,), ManualClock(), 0.0) as file:
            require(file.status.trouble is None, "what was saved cannot be read")
            require(file.account(ACCOUNT).load().flows == dict(counted), "what was counted is not what was saved")


def mutate(held: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """One more change, or a change of the changes."""
    if random.random() < 0.5 or held[:1] != b"C":
        return text(held, random, words)
    for _ in range(random.choice((1, 3, 20))):
        page = random.randrange(len(sound()) // 4096 + 1) * 4096
        near = random.choice((0, 100, random.randrange(200), random.randrange(4096)))
        held += _CHANGE.pack(page + near, random.choice((0, 1, 13, 127, 128, 255, random.randrange(256))))
    return held


TARGET = Target(
    "state",
    "a damaged file is used or left alone as it is, byte by byte; counting goes on either way",
    check,
    words=(b"SQLite format 3\0", b"CELX", b"R", b"C\0\0\0\0\0"),
    mutate=mutate,
    longest=2048,
    quick=60,
)
