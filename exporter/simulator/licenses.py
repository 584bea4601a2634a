"""Licences, what they entitle to, and how much of it is in use (contract 3.15)."""

from dataclasses import dataclass

from exporter.simulator.identity import object_id
from exporter.simulator.options import DAY_MS
from exporter.simulator.resources import JsonObject
from exporter.simulator.shares import part_of
from exporter.simulator.timestamps import iso

_ENTITLED = (
    ("endpoints", "Endpoints", (20, 5), (10, 0)),
    ("flows", "Flows", (1000, 0), (1000, 0)),
    ("trading_partners", "TradingPartners", (3, 0), None),
    ("agents", "Agents", (2, 1), None),
)


@dataclass(slots=True)
class License:
    """A licence and when it ends: the account's own one, or one of an integration app (`connector`)."""

    id: str
    type: str
    ends_ms: int


@dataclass(slots=True)
class Entitlement:
    """How much of one thing was bought and added on, in production and in the sandbox, where it may be untold.

    `word` is its name in the keys of the API. `used_share` is what an incident says is in use; None for what really is.
    """

    word: str
    production: tuple[int, int]
    sandbox: tuple[int, int] | None
    used_share: float | None = None

    def use(self, real: int, *, sandbox: bool) -> int:
        """Return how much is in use when `real` really is."""
        entitled = self.sandbox if sandbox else self.production
        return real if self.used_share is None or entitled is None else part_of(sum(entitled), self.used_share)


def account_licenses(seed: int, start_ms: int) -> list[License]:
    """Return the platform licence and the one of an integration app."""
    day_ms = start_ms // DAY_MS * DAY_MS
    return [
        License(object_id(seed, "license", 0), "platform", day_ms + 200 * DAY_MS),
        License(object_id(seed, "license", 1), "connector", day_ms + 20 * DAY_MS),
    ]


def account_entitlements() -> dict[str, Entitlement]:
    """Return what the platform licence entitles to, by name."""
    return {name: Entitlement(word, production, sandbox) for name, word, production, sandbox in _ENTITLED}


def platform_row(row: License, entitlements: dict[str, Entitlement], day_ms: int) -> JsonObject:
    """Return the account's own licence, of which an account that began at `day_ms` has had some years."""
    production: JsonObject = {}
    sandbox: JsonObject = {}
    for entitlement in entitlements.values():
        for block, numbers in ((production, entitlement.production), (sandbox, entitlement.sandbox)):
            if numbers is not None:
                block[f"num{entitlement.word}"], block[f"numAddOn{entitlement.word}"] = numbers
    return {
        "_id": row.id,
        "type": row.type,
        "tier": "premium",
        "created": iso(day_ms - 900 * DAY_MS),
        "expires": iso(row.ends_ms),
        "lastModified": iso(day_ms - 30 * DAY_MS),
        "sandbox": True,
        "sso": True,
        "endpoint": {"production": production, "sandbox": sandbox, "apiManagement": False},
    }
