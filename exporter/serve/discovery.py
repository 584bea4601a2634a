"""`/sd`: what Prometheus' HTTP service discovery is told, a target for each account.

    [{"targets": ["exporter:10940"], "labels": {"__metrics_path__": "/probe", "__param_account": "acme", ...}}]

The address is the one by which the client has just reached the exporter: behind a Service, in a container or on a host,
it is the one that works from where the client is, and nobody has to configure it. That a client can make up its Host is
no danger: it is told its own word, validated, and nobody else is (no cache may keep the answer); the exporter itself
connects to none. Where it is the host of `--web.external-url`, scheme and path are those of that URL: then a proxy is
in between, which knows more of the way than the exporter.
"""

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import urlsplit

from starlette.datastructures import QueryParams

from exporter.config.address import PROBE_PATH, parse_host
from exporter.config.settings import Account, Settings
from exporter.config.shard import Shard, parse_shard
from exporter.serve.scrape import ACCOUNT, BadSelection, check_parameters

SHARD = "shard"
"""The parameter that leaves the accounts of other shards out."""

_PORTS = {"http": "80", "https": "443"}


class TargetGroup(TypedDict):
    """Targets with the same labels, as Prometheus reads them."""

    targets: list[str]
    labels: dict[str, str]


def discovered(settings: Settings, query: QueryParams, hosts: Sequence[str], scheme: str) -> list[TargetGroup]:
    """A group for each account, in the order of the settings. `hosts` are the request's Host headers.

    Raises BadSelection when the query or the host is none that there can be.
    """
    check_parameters(query.keys(), (SHARD,))
    shard = _shard(query.getlist(SHARD))
    address, way = _address(hosts, scheme, settings.web.external_url)
    return [
        TargetGroup(targets=[address], labels={**way, **_labels(account)})
        for account in settings.accounts
        if shard is None or shard.holds(account.name)
    ]


def _shard(given: Sequence[str]) -> Shard | None:
    if len(given) > 1:
        raise BadSelection("shard is given more than once")
    try:
        return parse_shard(given[0]) if given else None
    except ValueError as error:
        raise BadSelection(f"shard: {error}") from None


def _address(hosts: Sequence[str], scheme: str, external_url: str | None) -> tuple[str, dict[str, str]]:
    """The address of every target, and the labels that say how to get from it to the metrics of an account."""
    try:
        host = parse_host(hosts[0] if len(hosts) == 1 else "")
    except ValueError as error:
        raise BadSelection(str(error)) from None
    outside = urlsplit(external_url or "")
    prefix = ""
    if outside.netloc and _with_port(host, outside.scheme) == _with_port(outside.netloc, outside.scheme):
        scheme, prefix = outside.scheme, outside.path
    return host, {"__scheme__": scheme, "__metrics_path__": f"{prefix}{PROBE_PATH}"}


def _with_port(host: str, scheme: str) -> str:
    has_port = ":" in host.rpartition("]")[2]
    return host if has_port else f"{host}:{_PORTS[scheme]}"


def _labels(account: Account) -> dict[str, str]:
    """What tells an account apart, to be relabelled. Nothing is said of its token or of where its API is."""
    known = {"account": account.name, "environment": account.environment, "region": account.region}
    return {
        f"__param_{ACCOUNT}": account.name,
        # Without one of its own each of them would be the same target to Prometheus.
        "instance": account.name,
        **{f"__meta_celigo_{name}": text for name, text in known.items() if text is not None},
    }
