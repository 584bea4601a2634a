"""The answer of `check` as a table for people or as JSON for programs."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Literal, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.check.accounts import Line

Format = Literal["text", "json"]

_STYLE = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def write_report(lines: Iterable[Line], out: TextIO, fmt: Format) -> int:
    """Write the lines; the exit status: 1 when a check failed, else 0.

    Text on a terminal is a table; elsewhere it is one plain line a check, so that logs and scripts can read it.
    """
    if fmt == "json":
        shown = list(lines)
        json.dump({"ok": _exit_status(shown) == 0, "checks": [asdict(line) for line in shown]}, out, indent=2)
        out.write("\n")
        return _exit_status(shown)
    if out.isatty():
        shown = list(lines)
        Console(file=out).print(_table(shown))
        return _exit_status(shown)
    shown = []
    for line in lines:
        out.write(_plain(line) + "\n")
        out.flush()
        shown.append(line)
    return _exit_status(shown)


def _exit_status(lines: list[Line]) -> int:
    return int(any(line.status == "failed" for line in lines))


def _plain(line: Line) -> str:
    words = [line.account, line.check, line.status.upper()]
    words.append(_latency(line))
    if line.rows is not None:
        words.append(f"{line.rows} rows")
    text = " ".join(word for word in words if word)
    if line.cause:
        text += f" - {line.cause}"
    if line.remedy:
        text += f"; to do: {line.remedy}"
    return text


def _table(lines: list[Line]) -> Table:
    table = Table("account", "check", "status", "latency", "cause and what to do", show_lines=False)
    for line in lines:
        advice = Text(line.cause or (f"{line.rows} rows" if line.rows is not None else ""))
        if line.remedy:
            advice.append(f"\nto do: {line.remedy}", style="italic")
        status = Text(line.status, style=_STYLE[line.status])
        table.add_row(Text(line.account), line.check, status, _latency(line), advice)
    return table


def _latency(line: Line) -> str:
    return "" if line.seconds is None else f"{line.seconds * 1000:.0f} ms"
