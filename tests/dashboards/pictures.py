"""The pictures in docs/dashboards.md: every board on the played day, drawn by a program that knows Grafana's panels.

    python -m tests.dashboards.pictures --preview COMMAND [--keep FOLDER] [--into docs/images/dashboards] [BOARD...]

COMMAND takes a board, `--prometheus`, `--out`, `--from`, `--to`, `--scrape-interval` and `--var NAME=VALUE`, and prints
a report as JSON that says of each panel whether it is `empty` and has an `error`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.dashboards.bundle import boards
from exporter.rules.thresholds import default_thresholds
from tests.dashboards.day import LivedPrometheus, played_day

CHOSEN: Mapping[str, Mapping[str, str]] = {
    "celigo-integration": {"integration": "Web shop"},
    "celigo-flow": {"integration": "Web shop", "flow": "Catalogue"},
}
"""What is chosen on a board that is about one thing: something with trouble."""

SHOWN_HOURS = 24


def main(arguments: Sequence[str]) -> int:
    """Draw the boards; 1 when a query of one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboards.pictures", description=__doc__)
    parser.add_argument("boards", nargs="*", metavar="BOARD")
    parser.add_argument("--preview", required=True, metavar="COMMAND")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--into", type=Path, default=Path("docs/images/dashboards"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    options.into.mkdir(parents=True, exist_ok=True)
    wanted = {name.removesuffix(".json"): text for name, text in boards(default_thresholds()).items()}
    failed = False
    with played_day(options.keep) as day:
        for name, text in wanted.items():
            if not options.boards or name in options.boards:
                failed |= _draw(options.preview, name, text, options.into / f"{name}.png", day)
    return int(failed)


def _draw(preview: str, name: str, text: str, picture: Path, day: LivedPrometheus) -> bool:
    """Draw one board and say what is empty on it; whether a query failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.json"
        file.write_text(text, encoding="utf-8")
        command = [preview, str(file), f"--prometheus={day.url}", f"--out={picture}", "--scrape-interval=60s"]
        command += [f"--from={(day.now - SHOWN_HOURS * 3600) * 1000}", f"--to={day.now * 1000}"]
        for variable, value in CHOSEN.get(name, {}).items():
            command += ["--var", f"{variable}={value}"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    troubled = [panel for panel in report["panels"] if panel.get("error")]
    empty = [panel["title"] for panel in report["panels"] if panel.get("empty")]
    print(f"{picture}: {len(report['panels'])} panels, empty: {', '.join(empty) or 'none'}")
    for panel in troubled:
        print(f"  {panel['title']}: {panel['error']}")
    return bool(troubled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
