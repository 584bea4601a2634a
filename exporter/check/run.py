"""The `check` command without its flags."""

from collections.abc import Mapping
from typing import TextIO

from exporter.check.accounts import check_accounts
from exporter.check.report import Format, write_report
from exporter.clock import Clock
from exporter.config.settings import REGIONS, Settings


def run_check(
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    out: TextIO,
    fmt: Format = "text",
    regions: Mapping[str, str] = REGIONS,
) -> int:
    """Check every account and write the answer to `out`; 0 when nothing failed, else 1.

    `regions` are the hosts asked for a token that its own region refuses.
    """
    return write_report(check_accounts(settings, environ, clock, regions), out, fmt)
