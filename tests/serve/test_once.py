"""One collection without a server, and several accounts side by side."""

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.config.address import ListenAddress
from exporter.config.problem import ConfigError
from exporter.config.settings import Account, RateLimit, Settings, TokenSource, Web
from exporter.serve.demo import DemoOptions, run_demo
from exporter.serve.fleet import Fleet
from exporter.serve.once import collect_once
from exporter.serve.server import serve
from exporter.serve.sockets import open_sockets
from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.processes import free_port, until
from tests.serve.rig import TOKEN, ShiftedClock, rig, settings_of
from tests.serve.upstream import SMALL, Upstream

ENVIRON = {"T": TOKEN}
FAR = "http://127.0.0.1:9"


def values(document: bytes) -> dict[str, float]:
    """Value of each series without other labels than the account's, by family."""
    return {
        sample.name: sample.value
        for family in parse_text(document.decode())
        for sample in family.samples
        if set(sample.labels) <= {"account", "environment"}
    }


class TestOnce:
    def test_every_collector_of_every_account_runs_once(self) -> None:
        with Upstream(SMALL) as first, Upstream(SMALL) as second:
            text = collect_once(settings_of([first, second]), ENVIRON, ShiftedClock()).decode()
            for upstream in (first, second):
                for path in ("/v1/tokenInfo", "/v1/flows", "/v1/connections", "/v1/jobs/current"):
                    assert upstream.count(path) == 1
            for number in (0, 1):
                assert f'celigo_up{{account="account-{number}",environment="production"}} 1.0' in text

    def test_it_waits_for_a_collector_that_takes_long(self) -> None:
        with Upstream(SMALL) as upstream:
            upstream.hold("/v1/connections")
            found: list[bytes] = []
            settings = settings_of([upstream])
            thread = threading.Thread(target=lambda: found.append(collect_once(settings, ENVIRON, ShiftedClock())))
            thread.start()
            upstream.arrived("/v1/connections")
            assert found == []
            upstream.let_go()
            thread.join(60)
            assert b"celigo_connection_online{" in found[0]

    def test_what_fails_is_told_in_the_document(self) -> None:
        with Upstream(SMALL) as upstream:
            upstream.answers["/v1/tokenInfo"] = (401, {"message": "no"})
            document = collect_once(settings_of([upstream]), ENVIRON, ShiftedClock())
            assert values(document)["celigo_up"] == 0
            assert b"celigo_flow_enabled{" in document

    def test_it_ends_all_threads(self) -> None:
        before = set(threading.enumerate())
        with Upstream(SMALL) as upstream:
            collect_once(settings_of([upstream]), ENVIRON, ShiftedClock())
        until(lambda: set(threading.enumerate()) <= before, "no thread is left")

    def test_the_simulated_account_gives_most_of_the_catalogue(self) -> None:
        with Simulator(SimulatorOptions(flows=20, history_seconds=7200.0)) as simulator:
            plenty = RateLimit(1000.0, 1000)
            account = Account("acme", TokenSource(env="T"), simulator.url, None, rate_limit=plenty)
            document = collect_once(Settings((account,)), {"T": simulator.token}, ShiftedClock())
            assert len([family for family in parse_text(document.decode()) if family.samples]) > 40


class TestFleet:
    def test_an_account_without_a_token_is_a_local_mistake_and_leaves_no_thread(self) -> None:
        accounts = (Account("good", TokenSource(env="T"), FAR, None), Account("bad", TokenSource(env="X"), FAR, None))
        before = set(threading.enumerate())
        with pytest.raises(ConfigError, match="X"):
            Fleet(Settings(accounts), ENVIRON, ShiftedClock())
        assert set(threading.enumerate()) <= before

    def test_it_is_ready_when_every_account_is(self) -> None:
        with rig(accounts=2) as exporter:
            exporter.upstreams[1].hold("/v1/tokenInfo")
            exporter.fleet.trigger(["health"])
            until(lambda: exporter.fleet.accounts[0].ready, "the first account")
            assert not exporter.fleet.ready
            assert exporter.get("/-/ready").status_code == 503
            exporter.upstreams[1].let_go()
            until(lambda: exporter.fleet.ready, "both accounts")
            assert exporter.get("/-/ready").status_code == 200

    def test_accounts_of_one_scrape_share_nothing_but_the_document(self) -> None:
        with rig(accounts=2) as exporter:
            exporter.upstreams[0].answers["/v1/tokenInfo"] = (401, {"message": "no"})
            text = exporter.scrape()
            assert 'celigo_up{account="account-0",environment="production"} 0.0' in text
            assert 'celigo_up{account="account-1",environment="production"} 1.0' in text
            assert text.count("# HELP celigo_up ") == 1


class TestServe:
    def test_a_taken_port_is_found_before_anything_else(self) -> None:
        (taken,) = open_sockets(["127.0.0.1:0"])
        with taken, Upstream(SMALL) as upstream:
            port = taken.getsockname()[1]
            settings = settings_of([upstream], web=Web(listen_addresses=(f"127.0.0.1:{port}",)))
            with pytest.raises(ConfigError, match="in use"):
                serve(settings, ENVIRON, ShiftedClock())
            assert upstream.total == 0

    def test_an_unreadable_token_frees_the_port(self) -> None:
        port = free_port()
        web = Web(listen_addresses=(f"127.0.0.1:{port}",))
        broken = Settings((Account("a", TokenSource(env="X"), FAR, None),), web=web)
        with pytest.raises(ConfigError, match="X"):
            serve(broken, ENVIRON, ShiftedClock())
        (again,) = open_sockets([f"127.0.0.1:{port}"])
        again.close()


class TestDemo:
    @pytest.mark.parametrize("place", ["api", "control", "web"])
    def test_a_taken_port_is_one_line(self, place: str) -> None:
        (taken,) = open_sockets(["127.0.0.1:0"])
        with taken:
            free, used = ListenAddress("127.0.0.1", 0), ListenAddress("127.0.0.1", taken.getsockname()[1])
            options = DemoOptions(
                web=Web(listen_addresses=(f"127.0.0.1:{used.port if place == 'web' else 0}",)),
                api=used if place == "api" else free,
                control=used if place == "control" else free,
                flows=2,
            )
            with pytest.raises(ConfigError) as refused:
                run_demo(options)
        assert "in use" in str(refused.value)
        assert "\n" not in str(refused.value)
