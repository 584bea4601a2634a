"""A whole day of a sample account, with everything that goes wrong in `day.yml`, in a real Prometheus.

    python -m tests.dashboards.day --serve --keep FOLDER    # plays the day, prints the URL, waits until interrupted

    with played_day(Path("folder")) as prometheus:
        prometheus.query("celigo_up")                       # at the end of the day, which is now

Simulator and exporter play in virtual time, promtool evaluates the shipped rules, and every series of both is written
into blocks so that the day ends with this minute. Prometheus has no rules and scrapes nothing. Some minutes more were
played and lie ahead, so that a picture that is taken a little later shows no end.
"""

import argparse
import hashlib
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from exporter.expose.catalogue import CATALOGUE
from tests.dashboards.evaluated import evaluated
from tests.dashboards.series import MINUTE, Changes, Day, kept, labelled, restored
from tests.e2e.processes import Prometheus
from tests.incidents.promtool import JOBS
from tests.incidents.rules import Rules, shipped
from tests.incidents.scenario import Scenario, parse
from tests.incidents.stage import Played, play
from tests.incidents.tape import Tape

STORY = Path(__file__).with_name("day.yml")
AHEAD = 20
"""Minutes of what was played that lie ahead of now."""

_FLAGS = (
    "--storage.tsdb.retention.time=30d",
    # Blocks cannot say that a series ended, as a scrape does; with a sample a minute, this is as good.
    "--query.lookback-delta=90s",
)
_ONE_BLOCK = "--max-block-duration=162h"
"""promtool reads the whole text once for each block."""


class LivedPrometheus(Prometheus):
    """A Prometheus on a played day, which ends at `now`, Unix seconds."""

    def __init__(self, folder: Path, now: int) -> None:
        super().__init__("prometheus", folder, targets=(), flags=_FLAGS)
        self.now = now


@contextmanager
def played_day(keep: Path | None = None, story: Path = STORY, ahead: int = AHEAD) -> Iterator[LivedPrometheus]:
    """A Prometheus on the day in `story`, which ends in this minute but for `ahead` minutes.

    What was played is kept in the folder `keep` and only moved to now the next time, which takes a fraction of the
    time. Raises ScenarioError.
    """
    day = the_day(story, keep)
    with tempfile.TemporaryDirectory(prefix="day-") as folder:
        now = int(time.time()) // MINUTE * MINUTE
        write_blocks(day, now - day.begin - MINUTE * (day.last - ahead), Path(folder) / "data")
        with LivedPrometheus(Path(folder), now) as prometheus:
            yield prometheus.answering(f"{prometheus.url}/-/ready")


def the_day(story: Path, keep: Path | None) -> Day:
    """The day in `story`, from the folder `keep` if it was played with the same rules before."""
    text, rules = story.read_text("utf-8"), shipped()
    if keep is None:
        return lived(parse(text, story.name), rules)
    place = keep / f"{story.stem}-{hashlib.sha256((text + rules.text).encode()).hexdigest()[:12]}.msgpack"
    if not place.exists():
        keep.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_suffix(".part")
        unfinished.write_bytes(kept(lived(parse(text, story.name), rules)))
        unfinished.replace(place)
    return restored(place.read_bytes())


def lived(scenario: Scenario, rules: Rules) -> Day:
    """Play a scenario, and evaluate the rules over it."""
    played = play(scenario, every_series())
    made = evaluated(_read_by(rules, played), rules, scenario.minutes)
    return Day(int(played.begin), scenario.minutes, {**_scraped(played), **made})


def every_series() -> frozenset[str]:
    """Names of all series that the exporter has."""
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return frozenset(f"{metric.name}{part}" for metric in CATALOGUE for part in parts.get(metric.type, ("",)))


def _read_by(rules: Rules, played: Played) -> Played:
    """Of what was played the series that rules read; promtool would keep all the others too."""
    tape = Tape(played.begin, rules.series)
    tape.up = played.tape.up
    tape.changes = {
        series: changes
        for series, changes in played.tape.changes.items()
        if series.split(b"{", 1)[0].decode() in rules.series
    }
    return replace(played, tape=tape)


def _scraped(played: Played) -> dict[str, Changes]:
    found = {labelled(series.decode(), JOBS[0]): changes for series, changes in played.tape.changes.items()}
    return {f"up{{{JOBS[0]}}}": [(minute, float(up)) for minute, up in played.tape.up.items()], **found}


def write_blocks(day: Day, shift: int, data: Path) -> None:
    """Write the day into Prometheus' folder `data`, `shift` seconds later than it was."""
    promtool = shutil.which("promtool") or "promtool"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="day-", suffix=".txt") as text:
        text.writelines(day.moved(shift))
        text.write("# EOF\n")
        text.flush()
        command = [promtool, "tsdb", "create-blocks-from", "openmetrics", _ONE_BLOCK, text.name, str(data)]
        subprocess.run(command, check=True, capture_output=True)


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboards.day", description="Plays a day into Prometheus.")
    parser.add_argument("--serve", action="store_true", help="start Prometheus on it and wait until interrupted")
    parser.add_argument("--keep", type=Path, help="folder for what was played; empty it when the exporter has changed")
    parser.add_argument("--story", type=Path, default=STORY, help="a scenario file of another day")
    wanted = parser.parse_args(arguments)
    # What the exporter logs about trouble is what the day is about.
    logging.disable()
    if wanted.serve:
        serve(wanted.story, wanted.keep)
    else:
        the_day(wanted.story, wanted.keep)
    return 0


def serve(story: Path, keep: Path | None) -> None:
    """Print the URL and wait for SIGINT or SIGTERM, after either of which nothing is left running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), played_day(keep, story) as prometheus:
        print(prometheus.url, flush=True)
        signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
