"""`/sd`: the accounts as targets, for whoever asks, by the address that he asked."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.config.settings import Account, Web
from exporter.config.shard import shard_of
from exporter.serve.app import build_app
from tests.serve.rig import TOKEN, Rig, rig
from tests.web.places import furnish, written
from tests.web.rig import served
from tests.web.test_clients import client

EXTERNAL = "https://ops.example.com/celigo"


@pytest.fixture(scope="module")
def exporter() -> Iterator[Rig]:
    with rig(3, web=Web(external_url=EXTERNAL)) as running:
        yield running


def groups(exporter: Rig, query: str = "", host: str | None = None) -> list[dict[str, Any]]:
    answer = exporter.raw("GET", f"/sd{query}", {} if host is None else {"Host": host})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = json.loads(answer.body)
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [group["labels"]["__param_account"] for group in found]


class TestContent:
    def test_there_is_a_group_for_each_account_with_labels_to_relabel_by(self, exporter: Rig) -> None:
        first, *others = groups(exporter)
        assert first == {
            "targets": [f"127.0.0.1:{exporter.port}"],
            "labels": {
                "__scheme__": "http",
                "__metrics_path__": "/probe",
                "__param_account": "account-0",
                "instance": "account-0",
                "__meta_celigo_account": "account-0",
                "__meta_celigo_environment": "production",
            },
        }
        assert names(others) == ["account-1", "account-2"]

    def test_the_region_is_told_where_there_is_one(self) -> None:
        with rig() as exporter:
            (one,) = exporter.wanted.settings.accounts
            in_europe = Account("eu", one.token, "http://127.0.0.1:1", "eu", environment="sandbox")
            assert exporter.reload(replace(exporter.wanted.settings, accounts=(in_europe,))) is None
            (group,) = groups(exporter)
            assert group["labels"]["__meta_celigo_region"] == "eu"
            assert group["labels"]["__meta_celigo_environment"] == "sandbox"

    def test_nothing_is_said_of_tokens_and_of_where_the_api_is_and_nobody_is_asked(self, exporter: Rig) -> None:
        body = exporter.raw("GET", "/sd").body.decode()
        assert TOKEN not in body
        assert not any(each.url.split("://")[1] in body for each in exporter.upstreams)
        assert [each.total for each in exporter.upstreams] == [0, 0, 0]

    def test_each_target_is_one_that_the_exporter_answers(self, exporter: Rig) -> None:
        for group in groups(exporter):
            labels = group["labels"]
            path = f"{labels['__metrics_path__']}?account={labels['__param_account']}&collect[]=exporter"
            assert exporter.raw("GET", path).status == 200

    def test_it_is_the_accounts_of_now(self) -> None:
        with rig(2) as exporter:
            settings = exporter.wanted.settings
            assert exporter.reload(replace(settings, accounts=settings.accounts[1:])) is None
            assert names(groups(exporter)) == ["account-1"]


class TestAddress:
    @pytest.mark.parametrize(
        "host", ["exporter", "exporter:10940", "celigo-exporter.monitoring.svc:10940", "10.1.2.3:80", "[fd00::1]:10940"]
    )
    def test_the_targets_are_where_the_client_has_reached_it(self, exporter: Rig, host: str) -> None:
        (first, *_) = groups(exporter, host=host)
        assert first["targets"] == [host]
        assert (first["labels"]["__scheme__"], first["labels"]["__metrics_path__"]) == ("http", "/probe")

    @pytest.mark.parametrize("host", ["ops.example.com", "ops.example.com:443", "OPS.example.com"])
    def test_through_the_proxy_of_the_external_url_they_are_behind_it(self, exporter: Rig, host: str) -> None:
        (first, *_) = groups(exporter, host=host)
        assert first["targets"] == [host.lower()]
        assert (first["labels"]["__scheme__"], first["labels"]["__metrics_path__"]) == ("https", "/celigo/probe")

    def test_another_port_of_that_host_is_not_the_proxy(self, exporter: Rig) -> None:
        (first, *_) = groups(exporter, host="ops.example.com:10940")
        assert first["labels"]["__metrics_path__"] == "/probe"

    @pytest.mark.parametrize(
        "host",
        ["", "a b", "a/b", "a:b", "a:0", "a:65536", "user@a", "a,b", "[::1", "::1", "[]", '"', "<script>", "é", "-a",
         "http://a", "a?b", "a#b", "x" * 300, "a:80:80", "[::1]x"],
    )  # fmt: skip
    def test_a_host_that_is_none_is_400_and_not_repeated(self, exporter: Rig, host: str) -> None:
        answer = exporter.raw("GET", "/sd", {"Host": host.encode().decode("latin-1")})
        assert answer.status == 400
        assert answer.body.decode() in {
            "expected a Host of a name or address, and a port from 1 to 65535 if any\n",
            "Invalid HTTP request received.",
        }

    def test_with_tls_it_says_so(self, exporter: Rig, tmp_path: Path) -> None:
        config = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        place = furnish(tmp_path)
        with served(written(place, config), app=build_app(exporter.fleet)) as server:
            (first, *_) = json.loads(server.get("/sd", client()).body)
            assert first["targets"] == [f"localhost:{server.port}"]
            assert first["labels"]["__scheme__"] == "https"


def test_no_cache_hands_one_clients_address_to_another(exporter: Rig) -> None:
    assert exporter.raw("GET", "/sd").headers["cache-control"] == "no-store"


def test_an_exporter_whose_shard_is_empty_serves_itself() -> None:
    with rig(0) as exporter:
        assert groups(exporter) == []
        assert [exporter.raw("GET", path).status for path in ("/metrics", "/-/ready", "/")] == [200, 200, 200]
        assert "celigo_exporter_build_info" in exporter.scrape()


class TestShards:
    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_the_shards_are_all_accounts_each_once(self, exporter: Rig, count: int) -> None:
        found = [names(groups(exporter, f"?shard={index}/{count}")) for index in range(count)]
        assert sorted(name for part in found for name in part) == ["account-0", "account-1", "account-2"]
        assert all(shard_of(name, count) == index for index, part in enumerate(found) for name in part)

    @pytest.mark.parametrize(
        ("query", "line"),
        [
            ("?shard=", "shard: expected I/N with I from 0 to N-1 and N from 1 to 1000, such as 0/3"),
            ("?shard=3/3", "shard: expected I/N with I from 0 to N-1 and N from 1 to 1000, such as 0/3"),
            ("?shard=%00", "shard: expected I/N with I from 0 to N-1 and N from 1 to 1000, such as 0/3"),
            ("?shard=0/2&shard=1/2", "shard is given more than once"),
            ("?Shard=0/2", "unknown parameter 'Shard'; known: shard"),
            ("?account=account-0", "unknown parameter 'account'; known: shard"),
        ],
    )
    def test_nonsense_is_400_with_one_line(self, exporter: Rig, query: str, line: str) -> None:
        answer = exporter.raw("GET", f"/sd{query}")
        assert (answer.status, answer.body.decode()) == (400, f"{line}\n")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
