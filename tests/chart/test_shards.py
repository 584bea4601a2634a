"""Several exporters share the accounts: each account has one, the same after every change, and all are found."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.shard import shard_of
from tests.chart.rendering import COMMITTED, MINIMAL, SETS, Manifest, Release, Values, refusal, release, render
from tests.chart.test_hostile import ONE_LINE, printable
from tests.chart.test_names import wrong

SHARD = "celigo-exporter/shard"
NAMES = [f"account-{number}" for number in range(20)]
EVERYTHING: Values = {
    part: {"enabled": True}
    for part in ("serviceMonitor", "probe", "prometheusRule", "networkPolicy", "ciliumNetworkPolicy")
} | {"podDisruptionBudget": {"enabled": True}}


def values_of(*names: str, shards: int, **more: Any) -> Values:
    """So many shards for these accounts, each with a Secret of its own."""
    accounts = [{"name": name, "existingSecret": {"name": f"s{number}"}} for number, name in enumerate(names)]
    return {**EVERYTHING, "accounts": accounts, "shards": shards, **more}


def shards_of(found: Release) -> dict[str, list[Manifest]]:
    """All objects by their shard; those that there are once have the shard ''."""
    by_shard: dict[str, list[Manifest]] = {}
    for manifest in found.manifests:
        by_shard.setdefault(manifest["metadata"].get("labels", {}).get(SHARD, ""), []).append(manifest)
    return by_shard


def workloads(found: Release) -> dict[str, Manifest]:
    """StatefulSets and Deployments by their shard."""
    return {each["metadata"]["labels"][SHARD]: each for each in found.workloads}


def accounts_of(found: Release, shard: str) -> list[str]:
    """The accounts in the settings of a shard."""
    (text,) = [each["data"]["config.yml"] for each in shards_of(found)[shard] if each["kind"] == "ConfigMap"]

    return [account["name"] for account in yaml.safe_load(text)["accounts"]]


class TestAccounts:
    @pytest.mark.parametrize("count", [2, 3, 7, 100])
    def test_each_is_in_the_shard_that_the_exporter_says(self, count: int) -> None:
        found = render(values_of(*NAMES, shards=count, probe={"enabled": False}))
        expected: dict[str, list[str]] = {}
        for name in NAMES:
            expected.setdefault(str(shard_of(name, count)), []).append(name)
        assert {shard: accounts_of(found, shard) for shard in workloads(found)} == expected

    @settings(max_examples=30, deadline=None)
    @given(
        names=st.lists(st.sampled_from(ONE_LINE) | printable(), min_size=1, max_size=30, unique=True),
        count=st.integers(2, 100),
    )
    def test_whatever_they_are_called(self, names: list[str], count: int) -> None:
        found = render(values_of(*names, shards=count, probe={"enabled": False}))
        for shard in workloads(found):
            assert all(str(shard_of(name, count)) == shard for name in accounts_of(found, shard))

    def test_one_more_changes_nothing_of_other_shards(self) -> None:
        before, after = (render(values_of(*names, shards=5)) for names in (NAMES, [*NAMES, "one-more"]))
        own = str(shard_of("one-more", 5))
        for shard, manifests in shards_of(before).items():
            assert (manifests == shards_of(after)[shard]) is (shard != own)

    def test_one_shard_more_moves_accounts_to_it_alone(self) -> None:
        before, after = (render(values_of(*NAMES, shards=count)) for count in (3, 4))
        moved = 0
        for shard in workloads(before):
            left = set(accounts_of(before, shard)) - set(accounts_of(after, shard))
            assert left <= set(accounts_of(after, "3"))
            moved += len(left)
        assert moved == len(accounts_of(after, "3"))

    def test_a_shard_sees_the_tokens_of_its_accounts_alone(self) -> None:
        found = render(values_of(*NAMES, shards=4))
        for shard, workload in workloads(found).items():
            volumes = {each["name"]: each for each in workload["spec"]["template"]["spec"]["volumes"]}
            secrets = {each["secret"]["name"] for each in volumes["tokens"]["projected"]["sources"]}
            assert secrets == {f"s{NAMES.index(name)}" for name in accounts_of(found, shard)}

    def test_a_shard_without_any_has_no_objects(self) -> None:
        found = render(values_of("acme", shards=50))
        assert len(found.of("StatefulSet")) == len(found.of("Service")) == len(found.of("PodDisruptionBudget")) == 1
        assert "shards is 50, and 1 of them have accounts" in found.notes


class TestPods:
    @pytest.fixture
    def found(self) -> Release:
        return render(values_of(*NAMES, shards=4))

    def test_services_budgets_and_workloads_are_of_their_own_shard(self, found: Release) -> None:
        pods = {shard: each["spec"]["template"]["metadata"]["labels"] for shard, each in workloads(found).items()}
        assert set(pods) == {"0", "1", "2", "3"}
        for each in [*found.of("Service"), *found.of("PodDisruptionBudget"), *found.workloads]:
            selector = each["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            chosen = [shard for shard, labels in pods.items() if selector.items() <= labels.items()]
            assert chosen == [each["metadata"]["labels"][SHARD]]

    def test_monitor_and_policies_are_of_all(self, found: Release) -> None:
        monitor = found.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
        assert all(monitor.items() <= each["metadata"]["labels"].items() for each in found.of("Service"))
        for policy, field in (("NetworkPolicy", "podSelector"), ("CiliumNetworkPolicy", "endpointSelector")):
            selector = found.one(policy)["spec"][field]["matchLabels"]
            for workload in workloads(found).values():
                assert selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()

    def test_each_account_is_probed_where_it_is_read(self, found: Release) -> None:
        plain = render(values_of(*NAMES, shards=1))
        names = {}
        for probe in found.of("Probe"):
            (account,) = probe["spec"]["targets"]["staticConfig"]["static"]
            names[account] = probe["metadata"]["name"]
            shard = str(shard_of(account, 4))
            (service,) = [each for each in found.of("Service") if each["metadata"]["labels"][SHARD] == shard]
            assert probe["spec"]["prober"]["url"] == f"{service['metadata']['name']}.monitoring.svc:10940"
        assert sorted(names) == sorted(NAMES)
        assert set(names.values()) == {each["metadata"]["name"] for each in plain.of("Probe")}, "series go on"

    def test_an_interval_of_its_own_goes_with_an_account(self) -> None:
        times = {"enabled": True, "accounts": {"account-7": {"interval": "2m"}}}
        found = render(values_of(*NAMES, shards=4, probe=times))
        slow = [each for each in found.of("Probe") if each["spec"]["interval"] == "2m"]
        assert [each["spec"]["targets"]["staticConfig"]["static"] for each in slow] == [["account-7"]]

    def test_helm_test_asks_for_every_account_and_every_service(self, found: Release) -> None:
        tests = [each for each in found.of("Pod") if each["metadata"]["name"].endswith("-test-api")]
        mounted = [volume["configMap"]["name"] for each in tests for volume in each["spec"]["volumes"][:1]]
        assert mounted == [each["metadata"]["name"] for each in found.of("ConfigMap") if "config.yml" in each["data"]]
        reached = [each for each in found.of("Pod") if each["metadata"]["name"].endswith("-test-service")]
        assert len(reached) == len(found.of("Service"))

    def test_each_has_a_volume_of_its_own(self, found: Release) -> None:
        claims = [each["spec"]["volumeClaimTemplates"][0]["metadata"]["labels"][SHARD] for each in found.workloads]
        assert sorted(claims) == ["0", "1", "2", "3"]

    def test_names_differ_and_are_valid_whatever_the_release_is_called(self) -> None:
        for called in ("a", "with.dots", "x" * 53):
            found = render(values_of(*NAMES, shards=12), name=called)
            assert wrong(found) == []
            names = [each["metadata"]["name"] for each in workloads(found).values()]
            assert len(set(names)) == len(names)
            assert all(len(name) <= 52 for name in names)

    def test_the_account_of_a_service_is_one_for_all(self, found: Release) -> None:
        (account,) = {each["spec"]["template"]["spec"]["serviceAccountName"] for each in workloads(found).values()}
        assert found.one("ServiceAccount")["metadata"]["name"] == account


class TestReplicas:
    def test_each_shard_has_so_many_and_all_have_one_redis(self) -> None:
        redis = {"redis": {"url": "redis://redis:6379"}}
        found = render(values_of(*NAMES, shards=3, replicas=2, state=redis))
        assert [each["spec"]["replicas"] for each in found.of("Deployment")] == [2, 2, 2]
        texts = [each["data"]["config.yml"] for each in found.of("ConfigMap") if "config.yml" in each["data"]]
        assert all("url: redis://redis:6379\n" in text for text in texts)
        assert "counters start anew" not in found.notes

    def test_without_a_redis_there_is_one_of_each(self) -> None:
        assert "replicas: several exporters share accounts" in refusal(values_of(*NAMES, shards=3, replicas=2))


class TestOne:
    """Without shards nothing is called by one."""

    def test_no_object_tells_of_shards(self) -> None:
        found = render({**MINIMAL, **EVERYTHING})
        assert set(shards_of(found)) == {""}
        assert "shard" not in found.notes
        assert found.workload["metadata"]["name"] == "test-celigo-exporter"

    def test_one_is_none(self) -> None:
        assert render({**MINIMAL, **EVERYTHING, "shards": 1}) == render({**MINIMAL, **EVERYTHING})


def test_together_they_are_what_each_is_alone() -> None:
    together = shards_of(release("shards"))
    for shard in workloads(release("shards")):
        alone = shards_of(render(SETS[f"shards-{shard}"]))
        assert alone[shard] == together[shard]
    assert len(together) == 1 + len([name for name in SETS if name.startswith("shards-")])


def test_the_notes_tell_which_account_is_where() -> None:
    notes = release("shards").notes
    assert "  - 1: acme, globex\n  - 2: acme-sandbox, initech\n" in notes
    assert "service/test-celigo-exporter-shard-1 " in notes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"demo": {"enabled": True}, "shards": 2}, "shards: the demo has one account"),
        (
            {**MINIMAL, "shards": 2, "state": {"persistence": {"existingClaim": "x"}}},
            "each shard has a file",
        ),
        ({"accounts": [], "shards": 2}, "accounts: name at least one account"),
        ({**COMMITTED["shards"], "accounts": [*COMMITTED["shards"]["accounts"]] * 2}, "is taken by an account above"),
        ({**MINIMAL, "shards": 0}, "shards"),
        ({**MINIMAL, "shards": 101}, "shards"),
        ({**MINIMAL, "shards": "2"}, "shards"),
    ],
)
def test_what_makes_no_sense_is_refused(values: Values, said: str) -> None:
    assert said in refusal(values)
