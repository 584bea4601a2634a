"""`celigo-exporter demo`: the exporter on an embedded simulated account."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.clock import SystemClock
from exporter.config.address import ListenAddress
from exporter.config.problem import ConfigError
from exporter.config.settings import (
    Account,
    Collectors,
    JobsSettings,
    Owner,
    OwnershipMatch,
    Settings,
    TokenSource,
    Web,
)
from exporter.serve.server import serve
from exporter.simulator import Simulator, SimulatorOptions

_TOKEN_VARIABLE = "CELIGO_DEMO_TOKEN"  # noqa: S105 - the name of a variable
_TOKEN_SECONDS = 30 * 86_400.0
_STEP_FLOWS = 2

OWNERSHIP = (
    Owner(OwnershipMatch(name=".*(invoices|payouts|credit memos).*"), "finance", "gold", freshness=93_600.0),
    Owner(OwnershipMatch(name=".*(orders|refunds|products|price lists).*"), "commerce", "gold", freshness=93_600.0),
    Owner(OwnershipMatch(name=".*(shipments|fulfilments|inventory levels|item receipts).*"), "logistics", "silver"),
    Owner(OwnershipMatch(name=".*(contacts|customers|leads|tickets).*"), "service", "bronze", silence=86_400.0),
    Owner(OwnershipMatch(integration="none"), "platform"),
)
"""Teams of the sample account, by what its flows carry."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Where the demo listens and how large its account is; see `SimulatorOptions`."""

    web: Web
    api: ListenAddress
    control: ListenAddress
    flows: int = 60
    seed: int = 1
    speed: float = 1.0


def run_demo(options: DemoOptions) -> int:
    """Serve the metrics of a simulated account until SIGTERM or SIGINT. Raises ConfigError when a port is taken."""
    simulated = SimulatorOptions(
        flows=options.flows,
        seed=options.seed,
        speed=options.speed,
        host=options.api.host or "127.0.0.1",
        port=options.api.port,
        control_port=options.control.port,
    )
    try:
        simulator = Simulator(simulated)
    except OSError as failure:
        raise ConfigError(f"--listen, --control: cannot listen: {failure.strerror or failure}") from None
    with simulator:
        source = TokenSource(env=_TOKEN_VARIABLE)
        clock = SystemClock()
        account = Account(
            "demo",
            source,
            base_url=simulator.url,
            region=None,
            environment="sandbox",
            token_expires=clock.time() + _TOKEN_SECONDS,
        )
        jobs = JobsSettings(step_flows=tuple(flow.id for flow in simulator.engine.account.flows[:_STEP_FLOWS]))
        settings = Settings((account,), Collectors(jobs=jobs), web=options.web, profile="full", ownership=OWNERSHIP)
        return serve(
            settings,
            {_TOKEN_VARIABLE: simulator.token},
            clock,
            lambda urls: _say_what_to_open(urls, options.web.telemetry_path, simulator.control_url),
        )


def _say_what_to_open(urls: Sequence[str], telemetry_path: str, control_url: str) -> None:
    scheme, _, target = urls[0].partition("://")
    access = "" if scheme == "http" else "\n      scheme: https    # and what --web.config.file asks of clients"
    sys.stdout.write(
        f"""celigo-exporter demo: a simulated account and the exporter on it

  page      {urls[0]}/
  metrics   {urls[0]}{telemetry_path}
  incidents {control_url}/   (see docs/simulator.md)

Prometheus:

  scrape_configs:
    - job_name: celigo{access}
      static_configs: [{{targets: ["{target}"]}}]

Ctrl-C ends it.
"""
    )
    sys.stdout.flush()
