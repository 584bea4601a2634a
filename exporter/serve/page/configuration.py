"""The configuration in effect, as far as it fits on a page: what was given, the defaults, never a token."""

from dataclasses import replace

from exporter.account import AccountRuntime
from exporter.config.effective import effective
from exporter.config.settings import Settings
from exporter.serve.page.words import count, counted

LINES = 300
ACCOUNTS = 20
"""Bounds of what is shown."""


def configuration(settings: Settings, only: AccountRuntime | None) -> tuple[str, str]:
    """The text and a note on what it leaves out; of one account, or of the first ones and everything else."""
    accounts = settings.accounts[:ACCOUNTS] if only is None else (only.account,)
    owners = settings.ownership[:LINES]
    lines = effective(replace(settings, accounts=accounts, ownership=owners)).splitlines()
    left = len(settings.accounts) - len(accounts)
    cut = len(lines) - LINES
    notes = [f"Not shown: {counted(left, 'other account')}."] if left else []
    if cut > 0 or len(settings.ownership) > len(owners):
        notes.append(f"Cut after {count(LINES)} lines; `celigo-exporter config check` prints all of it.")
    return "\n".join([*lines[:LINES], *_flags(settings)]), " ".join(notes)


def _flags(settings: Settings) -> list[str]:
    """What stands in no file."""
    web = settings.web
    given = {
        "--config.file": settings.source,
        "--web.telemetry-path": web.telemetry_path,
        "--web.external-url": web.external_url,
        "--timeout-offset": f"{web.timeout_offset:g}",
    }
    addresses = [f"#   --web.listen-address={address}" for address in web.listen_addresses]
    return ["# flags:", *addresses, *(f"#   {name}={text}" for name, text in given.items() if text is not None)]
