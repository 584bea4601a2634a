"""Who may reach the exporter and what it may reach: the port, DNS, the accounts' hosts, and nothing else."""

import ipaddress
from typing import Any

from exporter.config.settings import REGIONS
from tests.chart.rendering import MINIMAL, SETS, Release, Values, release, render

ON: Values = {"enabled": True}


def policy(found: Release) -> dict[str, Any]:
    spec: dict[str, Any] = found.one("NetworkPolicy")["spec"]
    return spec


def allowed(found: Release, address: str, port: int) -> bool:
    """Whether the policy lets the exporter reach an address."""
    at = ipaddress.ip_address(address)
    for rule in policy(found)["egress"]:
        blocks = [peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer]
        if port in {each["port"] for each in rule["ports"]} and any(_within(at, block) for block in blocks):
            return True
    return False


def _within(at: Any, block: dict[str, Any]) -> bool:
    inside = [ipaddress.ip_network(block["cidr"]), *map(ipaddress.ip_network, block.get("except", []))]
    return at in inside[0] and not any(at in network for network in inside[1:])


def test_by_default_public_addresses_are_open_on_the_ports_of_the_accounts_and_others_are_not() -> None:
    found = release("accounts")
    assert policy(found)["policyTypes"] == ["Ingress", "Egress"]
    for public in ("203.0.113.7", "2001:db8::1"):
        assert allowed(found, public, 443)
        assert allowed(found, public, 8443)
        assert not allowed(found, public, 80)
    for private in ("10.1.2.3", "172.20.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "fd00::1", "fe80::1"):
        assert not allowed(found, private, 443)


def test_only_443_is_open_when_no_account_needs_another_port() -> None:
    found = render({**MINIMAL, "networkPolicy": ON})
    assert allowed(found, "203.0.113.7", 443)
    assert not allowed(found, "203.0.113.7", 8443)


def test_dns_is_asked_within_the_cluster_only() -> None:
    dns = policy(render({**MINIMAL, "networkPolicy": ON}))["egress"][0]
    assert {(each["port"], each["protocol"]) for each in dns["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]


def test_the_port_is_open_to_everybody_or_to_those_who_are_named_and_the_tests() -> None:
    everybody = policy(render({**MINIMAL, "networkPolicy": ON}))["ingress"]
    assert everybody == [{"ports": [{"port": "http-metrics", "protocol": "TCP"}]}]
    (rule,) = policy(release("network"))["ingress"]
    tests = {"podSelector": policy(release("network"))["podSelector"]}
    assert rule["from"] == [tests, *SETS["network"]["networkPolicy"]["ingress"]["from"]]


def test_addresses_and_ways_of_ones_own_take_their_place() -> None:
    found, given = release("network"), SETS["network"]["networkPolicy"]["egress"]
    assert allowed(found, "203.0.113.7", 443)
    assert not allowed(found, "198.51.100.7", 443)
    assert policy(found)["egress"][0]["to"] == given["dns"]["to"]
    assert {each["port"] for each in policy(found)["egress"][0]["ports"]} == {53, 5353}
    assert policy(found)["egress"][-1] == given["extra"][0]


def test_the_demo_reaches_nobody() -> None:
    assert not allowed(release("demo"), "203.0.113.7", 443)
    egress = release("demo").one("CiliumNetworkPolicy")["spec"]["egress"]
    assert not [rule for rule in egress if "toFQDNs" in rule]


def fqdns(found: Release) -> dict[str, Any]:
    (rule,) = [each for each in found.one("CiliumNetworkPolicy")["spec"]["egress"] if "toFQDNs" in each]
    assert isinstance(rule, dict)
    return rule


def test_cilium_opens_the_hosts_of_the_accounts_and_no_others() -> None:
    rule = fqdns(release("accounts"))
    hosts = [REGIONS["eu"], REGIONS["us"]]
    names = [*(host.removeprefix("https://") for host in hosts), "integrator.example.com"]
    assert [each["matchName"] for each in rule["toFQDNs"]] == names
    assert rule["toPorts"] == [{"ports": [{"port": "443", "protocol": "TCP"}, {"port": "8443", "protocol": "TCP"}]}]
    assert [each["matchName"] for each in fqdns(release("cilium"))["toFQDNs"]] == ["api.au.integrator.io"]


def test_every_region_is_known_to_cilium() -> None:
    accounts = [{"name": region, "region": region, "existingSecret": {"name": "a"}} for region in REGIONS]
    rule = fqdns(render({"accounts": accounts, "ciliumNetworkPolicy": ON}))
    assert {f"https://{each['matchName']}" for each in rule["toFQDNs"]} == set(REGIONS.values())


def test_cilium_learns_addresses_because_dns_passes_its_proxy() -> None:
    dns = release("cilium").one("CiliumNetworkPolicy")["spec"]["egress"][0]
    assert dns["toPorts"] == [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}]
    assert release("cilium").one("CiliumNetworkPolicy")["spec"]["egress"][-1] == {"toCIDR": ["203.0.113.7/32"]}
