"""Incidents of licences and of what they entitle to."""

from typing import Annotated, Literal

import msgspec

from exporter.simulator.incident_base import Incident


class LicenseExpires(Incident, frozen=True, tag="license_expires"):
    """The account's licences, or the one of the id `license`, expire in so many days from now; below 0 they have."""

    days: Annotated[float, msgspec.Meta(ge=-3650, le=3650)]
    license: str | None = None


class EntitlementUsed(Incident, frozen=True, tag="entitlement_used"):
    """So large a share of the entitled number is in use, rounded up, in production and in the sandbox."""

    entitlement: Literal["flows", "endpoints", "agents", "trading_partners"]
    share: Annotated[float, msgspec.Meta(ge=0, le=1.5)]


GovernanceKind = LicenseExpires | EntitlementUsed
