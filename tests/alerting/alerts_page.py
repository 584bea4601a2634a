"""docs/alerts.md: every alert and every threshold, made from the rules.

`python -m tests.alerting.alerts_page docs` writes it; a test compares the committed file.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from exporter.rules.source import Alert, Group, alerts, groups
from exporter.rules.thresholds import DEFAULTS, Thresholds, default_thresholds
from tests.alerting.needs import Needs

FILE_NAME = "alerts.md"

TITLES: Mapping[str, str] = {
    "celigo.exporter": "The exporter, the API and the token",
    "celigo.schedule": "Runs that did not come",
    "celigo.runs": "Runs that fail, hang or wait",
    "celigo.throughput": "Runs that move less, more slowly, or with errors",
    "celigo.objectives": "Objectives",
    "celigo.errors": "Open errors",
    "celigo.connections": "Connections and agents",
    "celigo.governance": "Licences",
}
"""Headings by group; the runbooks have the same."""

_INTRODUCTION = """\
# Alerts

Made from the rules by `make docs`; edit `exporter/rules/source` and `exporter/rules/thresholds.yml`.

`celigo-exporter rules export DIR` writes the rules for Prometheus, the thresholds, and an example for Alertmanager. A
name leads to the [runbook](runbooks.md) that the alert links to; [troubleshooting](troubleshooting.md) goes the other
way, from a symptom or an error code to the alert.

* `critical` wakes somebody up, `warning` waits for working hours, `info` is for a digest.
* Every alert has the labels `severity` and `scope` (what it is about); all but those about the exporter have `account`,
  `environment` and `region`. Flows have `flow_id`, `flow_name`, `integration_id`, `integration_name`, and `team` and
  `tier` where `ownership` gives them; integrations, connections and agents likewise have ids, names and a `team` that
  all of their flows share.
* *For* is how long the condition lasts before the alert fires.
* *Profile* is the smallest one with which the alert can fire. With `lean` the flows of a connection are not known: the
  alerts about flows then fire as well when a connection of theirs is down.
"""

_PLACES: tuple[tuple[str, str], ...] = (
    (r"\{\{ \$labels\.(\w+) \}\}", r"*\1*"),
    (r"\{\{ \$value \| humanizeDuration \}\}", "*duration*"),
    (r"\{\{ \$value \| humanizePercentage \}\}", "*share*"),
    (r"\{\{ \$value( \| humanize)? \}\}", "*number*"),
)
"""Templates of Prometheus, and how they are shown."""

_ELSE: Mapping[str, str] = {
    "slow_interval": "how soon those of slow groups fire",
    **dict.fromkeys(("runbook_url", "app_url", "grafana_url"), "the links of all"),
}
"""What thresholds change that decide about no alert."""

_LISTED = 6
"""More alerts than so many are counted, not named."""

_LINE = re.compile(r"(?P<name>\w+): .*?(?:\s# (?P<meaning>.*))?")
_HEADING = re.compile(r"# --- (.*) ---")


def alerts_page() -> str:
    """The whole page."""
    needs = Needs()
    thresholds = default_thresholds()
    parts = (_INTRODUCTION, *_groups(needs, thresholds), *_thresholds(needs, thresholds))
    return "\n".join(parts).rstrip("\n") + "\n"


def readable(text: str, thresholds: Thresholds) -> str:
    """A summary for people: the labels' names and kinds of value where Prometheus puts them in."""
    for place, shown in _PLACES:
        text = re.sub(place, shown, text)
    return thresholds.fill(text)


def meanings() -> Mapping[str, Mapping[str, str]]:
    """By heading of the file of thresholds and by name, what the comment beside or above it says; may be empty."""
    found: dict[str, dict[str, str]] = {}
    above: list[str] = []
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.fullmatch(line):
            found[heading[1]] = {}
        elif entry := _LINE.fullmatch(line):
            found[list(found)[-1]][entry["name"]] = (entry["meaning"] or " ".join(above)).rstrip(",")
        above = [*above, line.removeprefix("# ")] if line.startswith("# ") and not heading else []
    return found


def _groups(needs: Needs, thresholds: Thresholds) -> Iterator[str]:
    for group in groups():
        if group.name in TITLES:
            yield f"## {TITLES[group.name]}\n"
            rows = (_row(rule, needs, thresholds) for rule in _alerts(group))
            yield _table(("Alert", "Severity", "About", "For", "Profile", "Says"), rows)


def _alerts(group: Group) -> Iterator[Alert]:
    yield from (rule for rule in group.rules if isinstance(rule, Alert))


def _row(alert: Alert, needs: Needs, thresholds: Thresholds) -> tuple[str, ...]:
    about = ", ".join([alert.about, *(f'`{name}="{value}"`' for name, value in alert.labels.items())])
    lasting = "" if alert.lasting == "0m" else thresholds.fill(alert.lasting)
    says = readable(alert.summary, thresholds)
    return _linked(alert.alert), alert.severity, about, lasting, needs.profile(alert.alert), says


def _linked(alert: str) -> str:
    return f"[{alert}](runbooks.md#{alert.lower()})"


def _thresholds(needs: Needs, thresholds: Thresholds) -> Iterator[str]:
    yield (
        "## Thresholds\n\nCopy what differs into a file and give it to `celigo-exporter rules export DIR --thresholds "
        "FILE`; a name or a\nvalue that is wrong ends it with status 2 and one line that says where.\n"
    )
    used = [(alert, needs.thresholds(alert)) for alert in alerts()]
    for heading, entries in meanings().items():
        yield f"### {heading[0].upper()}{heading[1:]}\n"
        rows = (
            (
                f"`{name}`",
                f"`{thresholds.values[name]}`",
                *_use(name, meaning, [alert for alert, names in used if name in names]),
            )
            for name, meaning in entries.items()
        )
        yield _table(("Name", "Default", "Meaning", "Alerts"), rows)


def _use(name: str, meaning: str, changed: list[Alert]) -> tuple[str, str]:
    """What a threshold means, and which alerts it changes."""
    lasting = "how long it has to last" if any(alert.lasting == f"${{{name}}}" for alert in changed) else ""
    shown = ", ".join(_linked(alert.alert) for alert in changed)
    if len(changed) > _LISTED:
        shown = f"{len(changed)} of them"
    return meaning or lasting, shown or (
        "the links of all" if name.endswith("_url") else "when those of slow groups fire"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def write(folder: Path) -> Path:
    """Write the page into `folder`; its path."""
    path = folder / FILE_NAME
    path.write_text(alerts_page(), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
