"""What one runtime of an account leaves to the next one, when settings change while the exporter runs.

The ledger and the counters always go on. What was read stays as long as it says the same under the new settings, so
that a new label or interval costs no request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.collect.governance import LISTS
from exporter.collect.licenses import SANDBOX
from exporter.collectors import COLLECTORS, PARTS, running
from exporter.config.settings import Account, Settings


class Given(NamedTuple):
    """An account and the settings that it runs under."""

    account: Account
    settings: Settings

    @property
    def runs(self) -> frozenset[str]:
        """Collectors that are on."""
        return frozenset(name for name in COLLECTORS if running(name, self.settings))


@dataclass(frozen=True, slots=True)
class Lasting:
    """What still holds.

    `same_api`: the same token is sent to the same place, so whatever was learned there is still true. `parts` of the
    model have readings that stay. `on_time` are collectors whose next run is due when it was due before.
    """

    same_api: bool
    parts: frozenset[str]
    on_time: frozenset[str]


def lasting(before: Given, after: Given) -> Lasting:
    """What holds of an account under `before` when it goes on under `after`."""
    if _api(before.account) != _api(after.account):
        return Lasting(same_api=False, parts=frozenset(), on_time=frozenset())
    both = before.runs & after.runs
    parts = {part for part, collector in PARTS.items() if collector in both} - _misleading(before, after)
    asked = _asked(before), _asked(after)
    on_time = frozenset(name for name in both if asked[0][name] == asked[1][name])
    return Lasting(same_api=True, parts=frozenset({*parts, "checks"}), on_time=on_time)


def _api(account: Account) -> object:
    return account.base_url, account.token


def _misleading(before: Given, after: Given) -> frozenset[str]:
    """Parts whose readings would be taken for something else."""
    found: set[str] = set()
    if before.settings.profile != after.settings.profile:
        found |= {"open_errors", "resolved_errors"}
    if _is_sandbox(before) != _is_sandbox(after):
        found |= set(LISTS)
    return frozenset(found)


def _asked(given: Given) -> Mapping[str, object]:
    """All that decides on what each collector asks, and what it makes of it; not how often."""
    settings = given.settings
    full, jobs = settings.profile == "full", settings.collectors.jobs
    beside: dict[str, object] = {
        "inventory": full,
        "jobs": full,
        "errors": (settings.profile, settings.filters),
        "governance": _is_sandbox(given),
        "schedules": (settings.ownership, jobs.overlap),
        "history": (jobs.overlap, jobs.retention),
    }
    untimed = {
        name: replace(getattr(settings.collectors, name), interval=1.0, timeout=None, staleness=None)
        for name in COLLECTORS
    }
    return {name: (untimed[name], beside.get(name)) for name in COLLECTORS}


def _is_sandbox(given: Given) -> bool:
    return given.account.environment == SANDBOX
