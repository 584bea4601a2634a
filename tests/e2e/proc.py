"""What the kernel tells of a running process: its CPU time, memory, threads, descriptors and sockets."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_UTIME, _STAT_STIME = 11, 12
"""Where the two times stand in /proc/PID/stat, counted from behind the command's name."""

KIB = 1024


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at one moment; memory in bytes. Sockets are among the descriptors."""

    resident: int
    threads: int
    descriptors: int
    sockets: int


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, in the kernel's ticks of usually 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_STAT_UTIME]) + int(fields[_STAT_STIME])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in use."""
    (kib,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kib) * KIB


def held(pid: int) -> Held:
    """All of it now."""
    folder = Path(f"/proc/{pid}")
    targets = [_target(each) for each in (folder / "fd").iterdir()]
    sockets = sum(target.startswith("socket:") for target in targets)
    return Held(resident_bytes(pid), len(list((folder / "task").iterdir())), len(targets), sockets)


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""
