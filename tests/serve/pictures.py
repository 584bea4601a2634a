"""The pictures of the page, taken by a real Chromium of real exporters on simulated accounts.

python -m tests.serve.pictures [--into docs/images] [PICTURE...]
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exporter.config.settings import RateLimit
from tests.browser import Chromium, running_chromium
from tests.conftest import required_tool
from tests.serve.page.stage import Stage, hostile, stage, trouble

WIDE, PHONE = 1200, 360
_BUDGET = RateLimit(requests_per_second=50.0, burst=100)
_HOUR, _DAY = 3600.0, 86_400.0


@contextmanager
def well() -> Iterator[Stage]:
    """An account in which nothing is wrong."""
    calm = {"failure_rate": 0.0, "error_rate": 0.0, "backlog": False}
    with stage("acme", flows=24, past=_DAY, budget=_BUDGET, account=calm) as held:
        for connection in held.connections():
            held.simulators[0].inject("connection_online", connection=connection["id"])
        held.collect(2)
        yield held


@contextmanager
def failing() -> Iterator[Stage]:
    """Three accounts: the token of one was revoked, and flows of another need somebody."""
    with stage("acme", "globex", "initech", flows=24, past=_DAY, budget=_BUDGET) as held:
        held.collect()
        trouble(held)
        held.simulators[1].inject("token_revoked")
        held.clock.advance(2 * _HOUR)
        held.collect(2)
        yield held


@contextmanager
def named() -> Iterator[Stage]:
    """An account in which somebody gave hostile names."""
    with stage("acme", flows=24, past=_DAY, budget=_BUDGET) as held:
        hostile(held)
        held.clock.advance(2 * _HOUR)
        held.collect(2)
        yield held


@dataclass(frozen=True)
class Picture:
    """What is shown of which exporters, and how; `height` None is all of it."""

    scene: Callable[[], AbstractContextManager[Stage]]
    path: str = "/"
    width: int = WIDE
    height: int | None = None
    scheme: Literal["light", "dark"] = "light"


PICTURES: Mapping[str, Picture] = {
    "page": Picture(failing, "/?account=acme", height=880),
    "page-healthy": Picture(well),
    "page-accounts": Picture(failing),
    "page-failing": Picture(failing, "/?account=globex", height=880),
    "page-hostile": Picture(named, height=880),
    "page-phone": Picture(failing, "/?account=acme", PHONE, 950),
    "page-dark": Picture(failing, "/?account=acme", height=880, scheme="dark"),
}


def main() -> int:
    """Take the pictures that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.serve.pictures", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("docs/images"), metavar="FOLDER")
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=f"one of {', '.join(PICTURES)}")
    wanted = parser.parse_args()
    chosen = {name: each for name, each in PICTURES.items() if name in (wanted.pictures or PICTURES)}
    wanted.into.mkdir(parents=True, exist_ok=True)
    with running_chromium(required_tool("chromium")) as chromium:
        for scene in dict.fromkeys(each.scene for each in chosen.values()):
            with scene() as held:
                for name, each in chosen.items():
                    if each.scene is scene:
                        take(chromium, held, each, wanted.into / f"{name}.png")
    return 0


def take(chromium: Chromium, held: Stage, picture: Picture, file: Path) -> None:
    """Write one picture."""
    scale = 2 if picture.width == PHONE else 1
    options = {"color_scheme": picture.scheme, "device_scale_factor": scale}
    with chromium.page(picture.width, picture.height or 400, **options) as watched:
        watched.page.goto(held.url + picture.path)
        watched.page.screenshot(path=file, full_page=picture.height is None)
        sys.stdout.write(f"{file}: {watched.page.title()}, {file.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    sys.exit(main())
