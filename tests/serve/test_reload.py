"""What a reload changes for the accounts, on a real socket: those that stay as they are notice nothing."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.account import AccountRuntime
from exporter.config.settings import (
    Account,
    Collectors,
    CollectorSettings,
    Filters,
    Owner,
    OwnershipMatch,
    Profile,
    RateLimit,
    Settings,
    StateSettings,
    TokenSource,
)
from tests.e2e.processes import until
from tests.serve.rig import Rig, rig

ELSEWHERE: dict[str, Any] = {"environment": "staging"}


def first(exporter: Rig) -> Account:
    return exporter.wanted.settings.accounts[0]


def accounts(exporter: Rig, *wanted: Account, **settings: Any) -> Settings:
    return replace(exporter.wanted.settings, accounts=wanted, **settings)


def with_first(exporter: Rig, **changes: Any) -> Settings:
    """The settings of now, with changes of the first account."""
    _, *others = exporter.wanted.settings.accounts
    return accounts(exporter, replace(first(exporter), **changes), *others)


def runtime(exporter: Rig, name: str) -> AccountRuntime:
    return next(each for each in exporter.fleet.accounts if each.account.name == name)


Samples = dict[tuple[str, str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Values by name, account and the other labels but the environment."""
    found: Samples = {}
    for family in parse_text(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            account = labels.pop("account", "")
            labels.pop("environment", None)
            found[sample.name, account, tuple(sorted(labels.items()))] = sample.value
    return found


def of(text: str, account: str) -> Samples:
    return {key: value for key, value in samples(text).items() if key[1] == account}


def read(exporter: Rig) -> str:
    """A scrape after everything that was due has been read."""
    exporter.scrape()
    exporter.idle()
    return exporter.scrape()


class TestOtherAccounts:
    def test_an_account_under_the_same_settings_is_the_very_same_and_is_asked_nothing(self) -> None:
        with rig(3) as exporter:
            read(exporter)
            kept, asked = runtime(exporter, "account-0"), exporter.upstream.total
            one, two, three = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, replace(three, **ELSEWHERE), one)) is None
            assert [each.account.name for each in exporter.fleet.accounts] == ["account-2", "account-0"]
            assert runtime(exporter, "account-0") is kept
            assert exporter.upstream.total == asked
            assert two.name not in {each.account.name for each in exporter.fleet.accounts}

    def test_a_reload_without_a_difference_keeps_the_very_document(self) -> None:
        with rig() as exporter:
            read(exporter)
            before = exporter.fleet.documents
            assert exporter.reload() is None
            assert exporter.fleet.documents is before

    def test_the_document_has_the_accounts_of_now(self) -> None:
        with rig(2) as exporter:
            one, two = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one)) is None
            assert of(read(exporter), "account-1") == {}
            assert exporter.reload(accounts(exporter, one, two)) is None
            assert ("celigo_up", "account-1", ()) in of(read(exporter), "account-1")
            assert exporter.reload(accounts(exporter, two)) is None
            assert of(read(exporter), "account-0") == {}
            assert "account-1" in exporter.get("/").text
            assert "account-0" not in exporter.get("/").text


CHEAP: dict[str, dict[str, Any]] = {
    "label": {"accounts": ELSEWHERE},
    "budget": {"accounts": {"rate_limit": RateLimit(500.0, 900)}},
    "interval": {"collectors": Collectors(connections=CollectorSettings(interval=50.0))},
    "staleness": {"collectors": Collectors(connections=CollectorSettings(staleness=900.0))},
}


class TestChangedAccounts:
    @pytest.mark.parametrize("change", CHEAP.values(), ids=CHEAP.keys())
    def test_what_asks_nothing_else_costs_no_request_and_no_series(self, change: dict[str, Any]) -> None:
        with rig() as exporter:
            before, asked = of(read(exporter), "account-0"), exporter.upstream.total
            settings = with_first(exporter, **change.get("accounts", {}))
            settings = replace(settings, **{key: value for key, value in change.items() if key != "accounts"})
            assert exporter.reload(settings) is None
            after = of(exporter.scrape(), "account-0")
            assert exporter.upstream.total == asked
            assert after.keys() >= before.keys()
            counters = {key for key in before if key[0].endswith("_total")}
            assert {key: after[key] for key in counters} == {key: before[key] for key in counters}

    def test_a_new_label_is_on_every_series_at_once(self) -> None:
        with rig() as exporter:
            read(exporter)
            assert exporter.reload(with_first(exporter, **ELSEWHERE)) is None
            lines = [line for line in exporter.scrape().splitlines() if 'account="account-0"' in line]
            assert lines
            assert all('environment="staging"' in line for line in lines)

    def test_the_next_run_is_due_when_the_new_interval_says(self) -> None:
        with rig() as exporter:
            read(exporter)
            faster = Collectors(connections=CollectorSettings(interval=20.0))
            assert exporter.reload(replace(exporter.wanted.settings, collectors=faster)) is None
            before = exporter.upstream.count("/v1/connections")
            read(exporter)
            assert exporter.upstream.count("/v1/connections") == before
            exporter.clock.advance(25.0)
            read(exporter)
            assert exporter.upstream.count("/v1/connections") == before + 1
            assert exporter.upstream.count("/v1/tokenInfo") == 1

    def test_reloads_again_and_again_do_not_put_off_what_is_due(self) -> None:
        with rig() as exporter:
            read(exporter)
            for number in range(12):
                exporter.clock.advance(10.0)
                assert exporter.reload(with_first(exporter, environment=f"e{number}")) is None
                read(exporter)
            assert exporter.upstream.count("/v1/tokenInfo") in {2, 3}

    def test_ownership_is_shown_at_once_without_a_request(self) -> None:
        with rig() as exporter:
            read(exporter)
            asked = exporter.upstream.total
            owned = (Owner(OwnershipMatch(flow="f1"), "commerce", "gold"),)
            assert exporter.reload(replace(exporter.wanted.settings, ownership=owned)) is None
            assert 'celigo_flow_owner_info{account="account-0"' in exporter.scrape()
            assert exporter.upstream.total == asked

    def test_filters_hold_at_once(self) -> None:
        with rig() as exporter:
            assert "celigo_flow_enabled{" in read(exporter)
            assert exporter.reload(replace(exporter.wanted.settings, filters=Filters(integrations=("no",)))) is None
            text = exporter.scrape()
            assert "celigo_flow_enabled{" not in text
            assert "celigo_up{" in text
            assert exporter.reload(replace(exporter.wanted.settings, filters=Filters())) is None
            assert "celigo_flow_enabled{" in exporter.scrape()

    def test_another_host_is_read_anew_and_its_requests_are_counted_on_top(self) -> None:
        with rig(2) as exporter:
            one, two = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one)) is None
            exporter.upstreams[1].answers["/v1/flows"] = (200, [{"_id": "f2", "name": "B", "_integrationId": "i1"}])
            before = of(read(exporter), one.name)
            asked = exporter.upstreams[1].total
            assert exporter.reload(accounts(exporter, replace(one, base_url=two.base_url))) is None
            after = of(read(exporter), one.name)
            flows = {dict(key[2])["flow_id"] for key in after if key[0] == "celigo_flow_enabled"}
            assert flows == {"f2"}
            assert exporter.upstreams[1].total > asked
            sent = [key for key in before if key[0] == "celigo_api_requests_total"]
            assert sent
            assert all(after[key] > before[key] for key in sent if "/v1/flows" in dict(key[2])["endpoint"])

    def test_a_token_from_another_place_is_used_at_once(self, tmp_path: Path) -> None:
        with rig() as exporter:
            read(exporter)
            file = tmp_path / "token"
            file.write_text("another-token")
            asked = exporter.upstream.count("/v1/tokenInfo")
            assert exporter.reload(with_first(exporter, token=TokenSource(file=str(file)))) is None
            read(exporter)
            assert exporter.upstream.count("/v1/tokenInfo") == asked + 1
            assert exporter.upstream.tokens[-1] == "Bearer another-token"

    def test_a_token_file_that_does_not_look_changed_is_read_all_the_same(self, tmp_path: Path) -> None:
        with rig() as exporter:
            file = tmp_path / "token"
            file.write_text("token-number-1")
            assert exporter.reload(with_first(exporter, token=TokenSource(file=str(file)))) is None
            read(exporter)
            seen = file.stat()
            file.write_text("token-number-2")
            os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
            assert exporter.reload() is None
            exporter.clock.advance(61.0)
            read(exporter)
            assert exporter.upstream.tokens[-1] == "Bearer token-number-2"

    def test_a_collector_that_is_switched_off_ends_and_comes_back(self) -> None:
        with rig() as exporter:
            assert "celigo_agent_online{" in read(exporter)
            off = Collectors(agents=CollectorSettings(enabled=False))
            assert exporter.reload(replace(exporter.wanted.settings, collectors=off)) is None
            text = read(exporter)
            assert "celigo_agent_online{" not in text
            assert 'collector="agents"' not in text
            assert exporter.reload(replace(exporter.wanted.settings, collectors=Collectors())) is None
            assert "celigo_agent_online{" in read(exporter)

    @pytest.mark.parametrize(("one", "other"), [("lean", "standard"), ("standard", "full"), ("full", "lean")])
    def test_another_profile_serves_what_a_start_with_it_would(self, one: Profile, other: Profile) -> None:
        with rig(profile=one) as exporter, rig(profile=other) as anew:
            read(exporter)
            assert exporter.reload(replace(exporter.wanted.settings, profile=other)) is None
            assert {key[0] for key in of(read(exporter), "account-0")} == {
                key[0] for key in of(read(anew), "account-0")
            }


class TestUnderWay:
    def test_a_hanging_request_of_a_removed_account_does_not_delay_the_answer(self) -> None:
        with rig(2) as exporter:
            exporter.upstreams[1].hold("/v1/connections")
            exporter.scrape(timeout=1.0)
            exporter.upstreams[1].arrived("/v1/connections")
            one, _ = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one)) is None
            assert of(exporter.scrape(), "account-1") == {}
            exporter.upstreams[1].let_go()
            until(lambda: not alive("account-account-1") and not alive("closing"), "its threads have ended")

    def test_a_hanging_request_of_a_changed_account_does_not_hold_up_the_next_run(self) -> None:
        with rig() as exporter:
            exporter.upstream.hold("/v1/connections")
            exporter.scrape(timeout=1.0)
            exporter.upstream.arrived("/v1/connections")
            assert exporter.reload(with_first(exporter, **ELSEWHERE)) is None
            exporter.upstream.arrived("/v1/connections", 2)
            exporter.upstream.let_go()
            exporter.idle()
            (line,) = [line for line in exporter.scrape().splitlines() if line.startswith("celigo_connection_online{")]
            assert 'environment="staging"' in line

    def test_a_run_that_a_reload_cut_short_is_no_failure(self) -> None:
        with rig() as exporter:
            read(exporter)
            exporter.clock.advance(61.0)
            exporter.upstream.hold("/v1/connections")
            exporter.scrape(timeout=1.0)
            exporter.upstream.arrived("/v1/connections", 2)
            assert exporter.reload(with_first(exporter, **ELSEWHERE)) is None
            exporter.upstream.let_go()
            exporter.idle()
            found = of(exporter.scrape(), "account-0")
            assert {value for key, value in found.items() if key[0] == "celigo_exporter_collector_errors_total"} == {0}
            assert {value for key, value in found.items() if key[0] == "celigo_exporter_collector_success"} == {1}

    def test_a_scrape_under_way_is_answered_soon_and_with_the_accounts_of_before(self) -> None:
        with rig(2) as exporter, ThreadPoolExecutor(1) as pool:
            read(exporter)
            exporter.clock.advance(61.0)
            exporter.upstreams[1].hold("/v1/connections")
            under_way = pool.submit(exporter.scrape, "", 60.0)
            exporter.upstreams[1].arrived("/v1/connections", 2)
            one, two = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one, replace(two, **ELSEWHERE))) is None
            exporter.upstreams[1].let_go()
            text = under_way.result(60)
            assert {key[1] for key in samples(text)} == {"", "account-0", "account-1"}
            assert 'environment="staging"' not in text
            found = {value for key, value in samples(text).items() if key[0] == "celigo_exporter_collector_success"}
            assert found == {1}

    def test_ready_stays_ready_while_a_new_account_is_read(self) -> None:
        with rig(2) as exporter:
            one, two = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one)) is None
            read(exporter)
            for path in ("/v1/tokenInfo", "/v1/flows", "/v1/connections", "/v1/agents", "/v1/jobs/current"):
                exporter.upstreams[1].hold(path)
            assert exporter.reload(accounts(exporter, one, two)) is None
            assert exporter.get("/-/ready").status_code == 200

    def test_a_new_account_begins_without_waiting_for_a_scrape(self) -> None:
        with rig(2) as exporter:
            one, two = exporter.wanted.settings.accounts
            assert exporter.reload(accounts(exporter, one)) is None
            assert exporter.upstreams[1].total == 0
            assert exporter.reload(accounts(exporter, one, two)) is None
            exporter.upstreams[1].arrived("/v1/tokenInfo")


class TestRejected:
    def test_a_new_account_without_a_token_leaves_everything_as_it_was(self) -> None:
        with rig(2) as exporter:
            before = of(read(exporter), "account-0"), of(read(exporter), "account-1")
            runtimes, threads = exporter.fleet.accounts, alive("account-")
            one, _ = exporter.wanted.settings.accounts
            new = Account("new", TokenSource(env="NOT_SET"))
            problem = exporter.reload(accounts(exporter, replace(one, **ELSEWHERE), new))
            assert problem == "NOT_SET: the variable is not set"
            assert exporter.fleet.accounts == runtimes
            assert alive("account-") == threads
            text = exporter.scrape()
            assert (of(text, "account-0").keys(), of(text, "account-1").keys()) == (before[0].keys(), before[1].keys())
            exporter.clock.advance(61.0)
            asked = exporter.upstream.count("/v1/tokenInfo")
            read(exporter)
            assert exporter.upstream.count("/v1/tokenInfo") == asked + 1

    @pytest.mark.parametrize("path", ["other.db", None])
    def test_another_state_file_needs_a_restart_and_is_told_with_its_line(
        self, path: str | None, tmp_path: Path
    ) -> None:
        with rig(state=StateSettings(str(tmp_path / "state.db"))) as exporter:
            read(exporter)
            state = StateSettings(None if path is None else str(tmp_path / path))
            wanted = replace(with_first(exporter, **ELSEWHERE), state=state, source="celigo.yml", state_line=7)
            problem = exporter.reload(wanted)
            assert problem == (
                "celigo.yml:7: state: the state cannot be kept elsewhere while the exporter runs; restart it, "
                "or put `state` back"
            )
            assert 'environment="staging"' not in exporter.scrape()
            assert exporter.fleet.state.persistent


class TestBudget:
    def test_no_reload_refills_it(self) -> None:
        slow = RateLimit(requests_per_second=0.001, burst=10)
        with rig(1) as exporter:
            one = replace(first(exporter), rate_limit=slow)
            other = Account("other", TokenSource(env="T"), one.base_url, None, rate_limit=slow)
            exporter.reload(accounts(exporter, one, other))
            for number in range(10):
                exporter.scrape(timeout=1.0)
                changed = replace(one, rate_limit=RateLimit(0.001, 10 + number), environment=f"e{number}")
                # The other one is away for more than one reload.
                exporter.reload(accounts(exporter, changed))
                exporter.reload(accounts(exporter, one))
                exporter.reload(accounts(exporter, one, other))
            sent = [key for key in samples(exporter.scrape(timeout=1.0)) if key[0] == "celigo_api_requests_total"]
            assert sent
            # 999 tokens at the start would have been enough for everything; then 9 for each account, once.
            assert exporter.upstream.total <= 9 + 9

    def test_a_pause_that_the_api_asked_for_goes_on(self) -> None:
        with rig() as exporter:
            read(exporter)
            runtime(exporter, "account-0").budget.pause(100.0)
            asked = exporter.upstream.total
            one = first(exporter)
            for settings in (accounts(exporter, replace(one, **ELSEWHERE, rate_limit=RateLimit(900.0, 900))),):
                assert exporter.reload(settings) is None
            exporter.clock.advance(61.0)
            exporter.scrape(timeout=1.0)
            assert exporter.upstream.total == asked


def alive(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


def test_changes_again_and_again_leave_no_thread_behind() -> None:
    with rig(2) as exporter:
        read(exporter)
        before = alive("account-")
        one, two = exporter.wanted.settings.accounts
        for number in range(20):
            changed = replace(one, environment=f"e{number}")
            assert exporter.reload(accounts(exporter, changed, *([two] if number % 2 else []))) is None
        until(lambda: alive("account-") == before and not alive("closing"), "as many threads as before")
        assert "celigo_up{" in read(exporter)
