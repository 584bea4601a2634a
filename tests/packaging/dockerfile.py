"""The Dockerfile as instructions, and its steps carried out in a folder instead of a container.

There is no container engine where the tests run. What a step does to files is the same in a folder that stands for `/`.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its lines joined."""

    name: str
    text: str


def instructions(text: str) -> list[Instruction]:
    """Every instruction of a Dockerfile, without comments."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", code)
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, the first of which is its FROM; without what comes before them."""
    found: list[list[Instruction]] = []
    for each in instructions(text):
        if each.name == "FROM":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def copied(stage: list[Instruction]) -> Iterator[tuple[str, str]]:
    """What a stage copies from the source, and where to."""
    for each in stage:
        words = each.text.split()
        if each.name == "COPY" and not words[0].startswith("--from"):
            yield from ((source, words[-1]) for source in words[:-1] if not source.startswith("--"))


def sent(ignore: str) -> set[str]:
    """The files of the source that a build is sent, relative to its root: all that .dockerignore does not leave out."""
    names = (path.relative_to(ROOT).as_posix() for path in _own_files())
    return {name for name in names if not ignored(name, rules_of(ignore))}


def rules_of(ignore: str) -> list[str]:
    """The lines of .dockerignore that mean something."""
    return [line for line in ignore.splitlines() if line and not line.startswith("#")]


def _own_files() -> Iterator[Path]:
    for place, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in {".git", ".venv"}]
        yield from (Path(place) / name for name in files)


def ignored(name: str, rules: list[str]) -> bool:
    """Whether a file stays outside: the last rule that fits it, or a folder above it, decides."""
    above = [name, *(parent.as_posix() for parent in Path(name).parents)][:-1]
    outside = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(fnmatch(each, pattern) or fnmatch(f"/{each}", pattern.removeprefix("**")) for each in above):
            outside = not rule.startswith("!")
    return outside


def built(root: Path, *, anew: bool) -> Path:
    """Carry out the first stage below `root`, with this interpreter; the virtual environment that it makes.

    `anew` installs from the registry, as in a container. Otherwise the packages that the tests run with are lent.
    """
    stage = stages(FILE.read_text(encoding="utf-8"))[0]
    source = root / "src"
    source.mkdir(parents=True)
    environ = {name: os.environ[name] for name in os.environ if name == "PATH" or name.startswith("PIP_")}
    allowed = sent((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for each in stage:
        if each.name == "ENV":
            environ |= dict(pair.split("=", 1) for pair in each.text.split())
        elif each.name == "COPY":
            _copy(each, allowed, source)
        elif each.name == "RUN":
            for command in each.text.split(" && "):
                if anew or "--require-hashes" not in command:
                    # A pip is lent, too.
                    _run(
                        command if anew else command.replace("-m venv /", "-m venv --without-pip /"),
                        root,
                        source,
                        environ,
                    )
                else:
                    _lend(root / ("opt/celigo-exporter" if "--python" in command else "build"))
    return root / "opt" / "celigo-exporter"


def _copy(instruction: Instruction, allowed: set[str], source: Path) -> None:
    for name, target in copied([instruction]):
        for path in sorted(allowed):
            if path == name or path.startswith(f"{name}/"):
                place = source / (target if path != name else "") / path.removeprefix(f"{name}/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, place)


def _run(command: str, root: Path, source: Path, environ: dict[str, str]) -> None:
    """The command with `/build`, `/dist` and `/opt` below `root`, and `python` for this interpreter."""
    below = re.sub(r"(?<![\w./])/(build|dist|opt)\b", rf"{root}/\1", command)
    here = re.sub(r"^python(?= -m venv)", str(Path(sys.executable).resolve()), below)
    subprocess.run(["/bin/sh", "-euc", here], cwd=source, env=environ, check=True, timeout=1200, capture_output=True)


def _lend(environment: Path) -> None:
    """Let a virtual environment find the packages of this one; not this source, which has a .pth of its own."""
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
