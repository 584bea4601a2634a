"""What an account pays for and how much of it is used (contract 3.15).

    celigo_license_expiry_timestamp_seconds{license_id="60c0",type="platform"} 1801353600
    celigo_entitlement_limit{entitlement="flows"} 1000
    celigo_entitlement_used{entitlement="flows"} 412

An account whose `environment` is `sandbox` is compared with the sandbox part of its licences, any other one with the
production part.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.api.models_governance import Allowance, Consumed, EntitlementUsage, License
from exporter.collect.base import Block
from exporter.expose import catalogue
from exporter.expose.families import Family, Series, known_series

SANDBOX = "sandbox"
"""The `environment` label of an account whose sandbox part counts."""

OTHER = "other"
LICENSE_TYPES = ("integrator", "platform", "endpoint", "connector", OTHER)
"""The closed enumeration of `type` (contract 2)."""

ENTITLEMENTS = ("flows", "endpoints", "agents", "trading_partners")
"""The closed enumeration of `entitlement`."""

_ALLOWING = frozenset({"integrator", "platform", "endpoint"})
"""Licences whose allowances add up; one of a connector is about its integration app alone."""


@dataclass(frozen=True, slots=True)
class LicensesView:
    """Type and end (Unix seconds, None when it has none) of each licence by id, and what they allow together."""

    licenses: Mapping[str, tuple[str, float | None]] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UsageView:
    """How much of each entitlement is in use; one that is not told has no entry."""

    used: Mapping[str, int] = field(default_factory=dict)


def licenses_view(rows: Collection[License], *, sandbox: bool, now: float) -> LicensesView:
    """The licences at server instant `now`; one that has ended allows nothing."""
    licenses = {row.id: (license_type(row), _ends(row)) for row in rows}
    allowances = [
        allowance
        for row in rows
        if row.type in _ALLOWING
        and not _ended(row, now)
        and (allowance := _allowance(row, sandbox=sandbox)) is not None
    ]
    limits = {name: limit for name in ENTITLEMENTS if (limit := _limit(name, allowances)) is not None}
    return LicensesView(licenses, limits)


def license_type(row: License) -> str:
    """The licence's type within its bound."""
    return row.type if row.type in LICENSE_TYPES else OTHER


def _ends(row: License) -> float | None:
    return row.expires if row.expires is not None else row.trial_end_date


def _ended(row: License, now: float) -> bool:
    ends = _ends(row)
    return ends is not None and ends <= now


def _allowance(row: License, *, sandbox: bool) -> Allowance | None:
    """The part that counts, from the first of the places where it may be."""
    for place in (row.endpoint, row.integrator, row):
        part = None if place is None else place.sandbox if sandbox else place.production
        if isinstance(part, Allowance):
            return part
    return None


def _limit(entitlement: str, allowances: Collection[Allowance]) -> int | None:
    """What was bought and added on; None when no licence tells what was bought."""
    bought = [_number(getattr(each, f"num_{entitlement}")) for each in allowances]
    added = [_number(getattr(each, f"num_add_on_{entitlement}")) for each in allowances]
    if all(number is None for number in bought):
        return None
    return sum(number for number in (*bought, *added) if number is not None)


def usage_view(row: EntitlementUsage, *, sandbox: bool) -> UsageView:
    """The use of the part that counts."""
    usage = row.sandbox if sandbox else row.production
    if usage is None:
        return UsageView()
    numbers = {name: _used(getattr(usage, name)) for name in ENTITLEMENTS}
    return UsageView({name: number for name, number in numbers.items() if number is not None})


def _used(consumed: Consumed | None) -> int | None:
    """The first number there is: `numEnabled` for flows, `numActive` for agents, `numConsumed` for the others."""
    if consumed is None:
        return None
    numbers = (consumed.num_enabled, consumed.num_active, consumed.num_consumed)
    return next((number for number in map(_number, numbers) if number is not None), None)


def _number(value: int | None) -> int | None:
    """A number of things; a negative one stands for something else and tells nothing."""
    return value if value is not None and value >= 0 else None


def licenses_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `licenses` view (metric catalogue, section 7)."""
    view: LicensesView = views["licenses"]
    ends: Series = {(key, kind): float(at) for key, (kind, at) in view.licenses.items() if at is not None}
    yield Family(catalogue.LICENSE_EXPIRY_TIMESTAMP_SECONDS, ends)
    yield Family(catalogue.ENTITLEMENT_LIMIT, known_series(view.limits))


def usage_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """The family of the `entitlement_usage` view (metric catalogue, section 7)."""
    view: UsageView = views["entitlement_usage"]
    yield Family(catalogue.ENTITLEMENT_USED, known_series(view.used))


LICENSES_BLOCK = Block("licenses", "governance", ("licenses",), licenses_families, "standard")
ENTITLEMENT_USAGE_BLOCK = Block("entitlement_usage", "governance", ("entitlement_usage",), usage_families, "standard")
