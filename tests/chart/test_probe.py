"""Each account is probed on its own, at its own interval, and nothing that it tells is read twice."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from exporter.expose.catalogue import CATALOGUE
from tests.chart.rendering import MINIMAL, SETS, Manifest, Release, Values, release, render
from tests.chart.test_hostile import ONE_LINE, printable

ON: Values = {"enabled": True}
PROBED = [name for name, values in SETS.items() if values.get("probe", {}).get("enabled")]

of_every_probed_set = pytest.mark.parametrize("name", PROBED)


def probes(found: Release) -> dict[str, Manifest]:
    """Probes by the account that they ask for."""
    by_target = {tuple(each["spec"]["targets"]["staticConfig"]["static"]): each for each in found.of("Probe")}
    assert all(len(targets) == 1 for targets in by_target)
    return {target: each for (target,), each in by_target.items()}


def with_accounts(*names: str, **changed: Any) -> Values:
    accounts = [{"name": name, "existingSecret": {"name": "celigo"}} for name in names]
    return {"accounts": accounts, "probe": {"enabled": True, **changed}}


def endpoint(found: Release) -> dict[str, Any]:
    (only,) = found.one("ServiceMonitor")["spec"]["endpoints"]
    assert isinstance(only, dict)
    return only


def test_nothing_is_probed_unless_it_is_wanted() -> None:
    assert set(PROBED) == {"probe", "probe-authentication", "replicas", "shards-1", "shards-2"}
    assert [name for name in SETS if release(name).of("Probe")] == PROBED


@of_every_probed_set
def test_each_account_has_a_probe(name: str) -> None:
    found = release(name)
    assert list(probes(found)) == [account["name"] for account in SETS[name]["accounts"]]
    assert len(found.of("Probe")) == len(SETS[name]["accounts"])


@of_every_probed_set
def test_a_probe_asks_the_service_at_its_port(name: str) -> None:
    found = release(name)
    service = found.one("Service")
    (port,) = service["spec"]["ports"]
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    for probe in probes(found).values():
        assert probe["spec"]["prober"] == {
            "url": f"{host}:{port['port']}",
            "scheme": port["appProtocol"],
            "path": "/probe",
        }


def test_a_probe_speaks_https_and_identifies_itself_when_the_exporter_wants_it() -> None:
    (closed,), given_ones = probes(release("probe-authentication")).values(), SETS["probe-authentication"]["probe"]
    assert closed["spec"]["prober"]["scheme"] == "https"
    assert closed["spec"]["tlsConfig"] == given_ones["tlsConfig"]
    assert closed["spec"]["basicAuth"] == given_ones["basicAuth"]
    plain = probes(release("probe"))["acme"]["spec"]
    assert plain["prober"]["scheme"] == "http"
    assert not plain.keys() & {"tlsConfig", "basicAuth", "authorization"}


def test_the_path_of_the_metrics_is_not_that_of_the_probe() -> None:
    found = render({**SETS["probe-authentication"], "serviceMonitor": {"enabled": True, "basicAuth": {"username": {}}}})
    assert endpoint(found)["path"] == "/celigo/metrics"
    assert [each["spec"]["prober"]["path"] for each in found.of("Probe")] == ["/probe"]


def test_an_account_has_its_own_interval_and_otherwise_that_of_all() -> None:
    found = probes(release("probe"))
    times = [(each["spec"]["interval"], each["spec"]["scrapeTimeout"]) for each in found.values()]
    assert times == [("1m", "20s"), ("2m", "20s"), ("30s", "5s")]
    (plain,) = probes(render({**MINIMAL, "probe": ON})).values()
    assert (plain["spec"]["interval"], plain["spec"]["scrapeTimeout"]) == ("60s", "10s")


def test_limits_labels_and_relabelings_of_ones_own_are_on_every_probe() -> None:
    wanted = SETS["probe"]["probe"]
    bare = probes(render(with_accounts("acme")))["acme"]["spec"]["targets"]["staticConfig"]["relabelingConfigs"]
    for probe in probes(release("probe")).values():
        assert probe["metadata"]["namespace"] == wanted["namespace"]
        assert probe["metadata"]["labels"].items() >= wanted["labels"].items()
        assert probe["metadata"]["annotations"] == wanted["annotations"]
        assert probe["spec"].items() >= {key: value for key, value in wanted.items() if "Limit" in key}.items()
        assert probe["spec"]["metricRelabelings"] == wanted["metricRelabelings"]
        assert probe["spec"]["targets"]["staticConfig"]["relabelingConfigs"] == [*bare, *wanted["relabelings"]]


def test_authorization_of_another_kind_is_passed_on() -> None:
    scheme = {"credentials": {"name": "a", "key": "b"}}
    assert probes(render(with_accounts("a", authorization=scheme)))["a"]["spec"]["authorization"] == scheme


@of_every_probed_set
def test_the_job_is_that_of_the_monitor_and_one_that_the_rules_look_for(name: str) -> None:
    both = {**SETS[name], "prometheusRule": ON, "serviceMonitor": {"enabled": True, "basicAuth": {"username": {}}}}
    found = render(both, name="other")
    job = found.one("Service")["metadata"]["labels"][found.one("ServiceMonitor")["spec"]["jobLabel"]]
    looked_for = set(re.findall(r'job=~"([^"]*)"', found.texts["templates/prometheusrule.yaml"]))
    assert looked_for
    for probe in probes(found).values():
        assert probe["spec"]["jobName"] == job
        assert all(re.fullmatch(pattern, job) for pattern in looked_for)


def test_series_are_of_the_namespace_of_the_exporter_wherever_the_probe_is() -> None:
    found = release("probe")
    namespace = found.one("Service")["metadata"]["namespace"]
    assert {each["metadata"]["namespace"] for each in found.of("Probe")} == {"prometheus"} != {namespace}
    for probe in found.of("Probe"):
        assert probe["spec"]["targets"]["staticConfig"]["labels"] == {"namespace": namespace}


def test_the_exporter_has_no_label_that_a_probes_target_has() -> None:
    """A Probe cannot ask the operator to honour labels, so one that both have would be renamed."""
    exported = {label for metric in CATALOGUE for label in metric.labels} | {"account", "environment"}
    assert exported & {"job", "instance", "namespace"} == set()


def test_a_monitor_beside_probes_reads_what_the_exporter_tells_of_itself() -> None:
    beside = endpoint(release("probe"))
    assert beside["params"] == {"collect[]": ["exporter"]}
    drop, *own = beside["metricRelabelings"]
    assert drop == {"sourceLabels": ["account"], "regex": ".+", "action": "drop"}
    assert own == SETS["probe"]["serviceMonitor"]["metricRelabelings"]


def test_a_monitor_alone_reads_everything() -> None:
    alone = endpoint(render({**MINIMAL, "serviceMonitor": ON}))
    assert not alone.keys() & {"params", "metricRelabelings"}


def test_the_demo_is_probed_by_the_name_of_its_account() -> None:
    (account,) = probes(render({"demo": ON, "probe": ON}))
    assert account == "demo"


@pytest.mark.parametrize("name", ["acme", "acme-1", "a", "x" * 100])
def test_a_probe_is_called_as_its_account_where_an_object_may_be(name: str) -> None:
    (probe,) = probes(render(with_accounts(name))).values()
    assert probe["metadata"]["name"] == f"test-celigo-exporter-{name}"


@given(st.lists(st.sampled_from(ONE_LINE) | printable(), min_size=1, max_size=20, unique=True))
@profile(max_examples=25)
def test_accounts_of_any_name_have_a_probe_with_a_name_of_its_own(names: list[str]) -> None:
    names = [name for name in names if not re.search(r"\$\(\w+\)", name)] or ["a"]
    found = render(with_accounts(*names))
    assert list(probes(found)) == names
    objects = [probe["metadata"]["name"] for probe in found.of("Probe")]
    assert len(set(objects)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?", each) for each in objects)


def test_names_that_differ_in_what_is_left_out_have_different_probes() -> None:
    found = render(with_accounts("acme", "Acme", "ACME", "acme!", "ÄÖ", "ÄÜ"))
    assert len({probe["metadata"]["name"] for probe in found.of("Probe")}) == 6


def test_the_network_policy_lets_in_who_probes() -> None:
    found = release("probe")
    (rule,) = found.one("NetworkPolicy")["spec"]["ingress"]
    (service_port,) = found.one("Service")["spec"]["ports"]
    assert rule == {"ports": [{"port": service_port["targetPort"], "protocol": "TCP"}]}
