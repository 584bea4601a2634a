"""Rows about who looks after an account and what it pays for: agents, audit log, subscriptions, licences and their use.

As in `exporter.api.models`, what is sensitive has no field: no person, no e-mail address, no value that was changed.
"""

from typing import Annotated

import msgspec

from exporter.api.models import Id, Instant, Named, Row, Word

Number = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""A whole number that is exact as a float. Negative ones are no numbers of things, but cost their row nothing else."""


class Agent(Named, frozen=True, kw_only=True, gc=False):
    """One on-premise agent with whichever of three signs of life the API serves (contract 3.13)."""

    online: bool | None = None
    offline: bool | None = None
    last_heartbeat_at: Instant | None = msgspec.field(default=None, name="lastHeartbeatAt")


class AuditEntry(Row, frozen=True, kw_only=True, gc=False):
    """One change of the account, without the person and the values (contract 3.17)."""

    id: Id = msgspec.field(name="_id")
    time: Instant
    resource_type: Word | None = msgspec.field(default=None, name="resourceType")
    event: Word | None = None
    source: Word | None = None


class Notification(Row, frozen=True, kw_only=True, gc=False):
    """One subscription, without the subscriber: what it is about is one of the three ids (contract 3.16)."""

    id: Id = msgspec.field(name="_id")
    type: Word | None = None
    flow_id: Id | None = msgspec.field(default=None, name="_flowId")
    connection_id: Id | None = msgspec.field(default=None, name="_connectionId")
    integration_id: Id | None = msgspec.field(default=None, name="_integrationId")


class Allowance(Row, frozen=True, kw_only=True, gc=False):
    """What one part of a licence allows: bought, and added on (contract 3.15)."""

    num_flows: Number | None = msgspec.field(default=None, name="numFlows")
    num_add_on_flows: Number | None = msgspec.field(default=None, name="numAddOnFlows")
    num_endpoints: Number | None = msgspec.field(default=None, name="numEndpoints")
    num_add_on_endpoints: Number | None = msgspec.field(default=None, name="numAddOnEndpoints")
    num_agents: Number | None = msgspec.field(default=None, name="numAgents")
    num_add_on_agents: Number | None = msgspec.field(default=None, name="numAddOnAgents")
    num_trading_partners: Number | None = msgspec.field(default=None, name="numTradingPartners")
    num_add_on_trading_partners: Number | None = msgspec.field(default=None, name="numAddOnTradingPartners")


class Allowances(Row, frozen=True, kw_only=True, gc=False):
    """The parts of a licence."""

    production: Allowance | None = None
    sandbox: Allowance | bool | None = None


class License(Row, frozen=True, kw_only=True, gc=False):
    """One licence (contract 3.15). What it allows is under `endpoint`, `integrator` or at its own top level.

    At the top level `sandbox` may also be a flag.
    """

    id: Id = msgspec.field(name="_id")
    type: Word | None = None
    expires: Instant | None = None
    trial_end_date: Instant | None = msgspec.field(default=None, name="trialEndDate")
    endpoint: Allowances | None = None
    integrator: Allowances | None = None
    production: Allowance | None = None
    sandbox: Allowance | bool | None = None


class Consumed(Row, frozen=True, kw_only=True, gc=False):
    """How much of one entitlement is in use; which of the three numbers is there depends on the entitlement."""

    num_consumed: Number | None = msgspec.field(default=None, name="numConsumed")
    num_enabled: Number | None = msgspec.field(default=None, name="numEnabled")
    num_active: Number | None = msgspec.field(default=None, name="numActive")


class Usage(Row, frozen=True, kw_only=True, gc=False):
    """Use of each entitlement in production or in the sandbox."""

    flows: Consumed | None = msgspec.field(default=None, name="flowUsage")
    endpoints: Consumed | None = msgspec.field(default=None, name="endpointUsage")
    agents: Consumed | None = msgspec.field(default=None, name="agentUsage")
    trading_partners: Consumed | None = msgspec.field(default=None, name="tradingPartnerUsage")


class EntitlementUsage(Row, frozen=True, kw_only=True, gc=False):
    """What is in use of what the licences allow (contract 3.15)."""

    production: Usage | None = None
    sandbox: Usage | None = None
