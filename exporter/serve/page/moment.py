"""What a page is made of: the accounts and their settings as they were at one instant."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from exporter.account import AccountRuntime
from exporter.config.settings import Settings
from exporter.serve.fleet import Fleet
from exporter.serve.page.trouble import Trouble, Troubles


@dataclass(frozen=True, slots=True)
class Moment:
    """One roster at one time: a reload while a page is made must not mix two of them.

    `now` is monotonic seconds, `wall` Unix seconds by this machine's clock.
    """

    settings: Settings
    accounts: tuple[AccountRuntime, ...]
    now: float
    wall: float
    troubles: Troubles

    @classmethod
    def of(cls, fleet: Fleet, troubles: Troubles) -> "Moment":
        """The fleet now."""
        roster = fleet.roster
        return cls(roster.settings, roster.runtimes, fleet.clock.monotonic(), fleet.clock.time(), troubles)

    def named(self, name: str | None) -> AccountRuntime | None:
        """The account of this name; without a name the only one that there is."""
        if name is None:
            return self.accounts[0] if len(self.accounts) == 1 else None
        return next((each for each in self.accounts if each.account.name == name), None)

    def server_now(self, runtime: AccountRuntime) -> float:
        """Unix seconds by the clock that the account's instants are from."""
        return self.wall - (runtime.telemetry.clock_skew() or 0.0)

    def trouble(self, runtime: AccountRuntime) -> Trouble:
        """What is wrong in the account."""
        return self.troubles.of(runtime, self.settings.filters, self.now, self.server_now(runtime))

    @property
    def base(self) -> str:
        """What a proxy puts before every path, without a slash at its end."""
        return urlsplit(self.settings.web.external_url or "").path.rstrip("/")
