"""`/probe`: the metrics of one account, on a real socket, beside others that it has nothing to do with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.config.settings import Account, Web
from exporter.expose.render import Format
from exporter.serve.app import build_app
from exporter.serve.scrape import DEFAULT_SECONDS
from tests.e2e.processes import until
from tests.serve.rig import SCRAPE_TIMEOUT, TOKEN, Raw, Rig, rig
from tests.web.places import PASSWORD, written
from tests.web.rig import served
from tests.web.test_clients import USERS, basic

Key = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture(scope="module")
def exporter() -> Iterator[Rig]:
    with rig(2) as running:
        running.idle()
        yield running


def probe(exporter: Rig, account: str, query: str = "", timeout: float = 300.0) -> str:
    """What a scrape of one account gets, which must succeed."""
    answer = exporter.raw("GET", f"/probe?account={quote(account)}{query}", {SCRAPE_TIMEOUT: str(timeout)})
    assert answer.status == 200
    return answer.body.decode()


def keys(text: str) -> set[Key]:
    """Names and labels of all series."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))) for family in parse_text(text) for sample in family.samples
    }


def of(account: str, found: set[Key]) -> set[Key]:
    return {key for key in found if ("account", account) in key[1]}


class TestContent:
    @pytest.mark.parametrize("query", ["", "&collect[]=exporter", "&exclude[]=exporter", "&collect[]=inventory"])
    def test_it_is_what_metrics_has_of_the_account_and_nothing_else(self, exporter: Rig, query: str) -> None:
        exporter.idle()
        whole = keys(exporter.scrape(query.replace("&", "?")))
        parts = [keys(probe(exporter, name, query)) for name in ("account-0", "account-1")]
        assert parts == [of("account-0", whole), of("account-1", whole)]
        assert all(parts)
        assert (parts[0] < keys(probe(exporter, "account-0"))) == (query != "")

    def test_what_the_exporter_tells_of_the_account_is_in_it_and_what_belongs_to_the_process_is_not(
        self, exporter: Rig
    ) -> None:
        names = {name for name, _ in keys(probe(exporter, "account-0"))}
        assert {"celigo_up", "celigo_exporter_collector_success", "celigo_api_requests_total"} <= names
        shared = {name for name, labels in keys(exporter.scrape()) if "account" not in dict(labels)}
        assert {"celigo_exporter_build_info", "celigo_exporter_state_persistent"} <= shared
        assert not names & shared

    def test_metrics_stays_the_same_beside_it(self, exporter: Rig) -> None:
        exporter.idle()
        before = keys(exporter.scrape())
        probe(exporter, "account-0")
        assert keys(exporter.scrape()) == before

    def test_equal_requests_get_the_same_bytes_without_joining_them_again(self, exporter: Rig) -> None:
        exporter.idle()
        query = "/probe?account=account-0&collect[]=inventory"
        bodies = {exporter.raw("GET", query, {"Accept-Encoding": "gzip"}).body for _ in range(5)}
        assert len(bodies) == 1
        documents = exporter.fleet.roster.alone["account-0"].documents
        one, two = (documents.content(frozenset({"inventory"}), Format.TEXT, compressed=True) for _ in range(2))
        assert one.content is two.content
        assert {one.content} == bodies


class TestCost:
    def test_only_the_account_is_asked(self, exporter: Rig) -> None:
        exporter.idle()
        exporter.clock.advance(1000)
        asked = [each.total for each in exporter.upstreams]
        probe(exporter, "account-1")
        assert exporter.upstreams[0].total == asked[0]
        assert exporter.upstreams[1].total > asked[1]
        exporter.idle()

    def test_only_what_is_selected_is_asked(self, exporter: Rig) -> None:
        exporter.idle()
        exporter.clock.advance(1000)
        other, chosen = (exporter.upstream.count(path) for path in ("/v1/jobs/current", "/v1/connections"))
        probe(exporter, "account-0", "&collect[]=connections")
        assert exporter.upstream.count("/v1/connections") == chosen + 1
        assert exporter.upstream.count("/v1/jobs/current") == other
        exporter.idle()

    def test_what_is_not_due_is_not_asked_however_often_it_is_scraped(self, exporter: Rig) -> None:
        probe(exporter, "account-0")
        exporter.idle()
        asked, begun = exporter.upstream.count("/v1/tokenInfo"), exporter.clock.monotonic()
        for _ in range(20):
            probe(exporter, "account-0")
        minutes = (exporter.clock.monotonic() - begun) / 60  # of a slow machine
        assert exporter.upstream.count("/v1/tokenInfo") <= asked + 1 + minutes


class TestWaiting:
    def test_another_account_that_hangs_delays_nothing(self) -> None:
        with rig(2) as exporter, ThreadPoolExecutor(1) as pool:
            exporter.upstreams[1].hold("/v1/connections")
            all_accounts = pool.submit(exporter.scrape, "", 300.0)
            exporter.upstreams[1].arrived("/v1/connections")
            assert "celigo_connection_online{" in probe(exporter, "account-0")
            assert not all_accounts.done()
            exporter.upstreams[1].let_go()
            all_accounts.result(60)

    def test_it_waits_for_what_its_own_account_is_asked_as_long_as_its_scraper_does(self) -> None:
        # Of a scraper that does not tell its timeout, the offset leaves a tenth of a second.
        with rig(2, web=Web(timeout_offset=DEFAULT_SECONDS)) as exporter, ThreadPoolExecutor(1) as pool:
            exporter.upstream.hold("/v1/connections")
            answer = pool.submit(probe, exporter, "account-0")
            exporter.upstream.arrived("/v1/connections")
            with pytest.raises(TimeoutError):
                answer.result(1.0)
            exporter.upstream.let_go()
            assert "celigo_connection_online{" in answer.result(60)

    def test_it_waits_no_longer_than_its_scraper(self) -> None:
        with rig() as exporter:
            exporter.upstream.hold("/v1/connections")
            assert "celigo_connection_online{" not in probe(exporter, "account-0", timeout=1.0)
            exporter.upstream.let_go()


def refused(exporter: Rig, query: str) -> Raw:
    """The answer to what must ask nobody and be one plain line."""
    exporter.clock.advance(1000)
    before = [each.total for each in exporter.upstreams]
    answer = exporter.raw("GET", f"/probe{query}")
    assert [each.total for each in exporter.upstreams] == before
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body.count(b"\n") == 1
    assert len(answer.body) < 300
    assert answer.body.isascii()
    return answer


class TestRefused:
    @pytest.mark.parametrize(
        ("query", "line"),
        [
            ("", "account is missing; give the name of one, as in ?account=NAME"),
            ("?account=", "account is missing; give the name of one, as in ?account=NAME"),
            ("?collect[]=jobs", "account is missing; give the name of one, as in ?account=NAME"),
            ("?account=account-0&account=account-1", "account is given more than once; a request reads one account"),
            ("?account=account-0&account=account-0", "account is given more than once; a request reads one account"),
            ("?account=account-0&account=", "account is given more than once; a request reads one account"),
            ("?account=account-0&target=x", "unknown parameter 'target'; known: collect[], exclude[], account"),
            ("?account[]=account-0", "unknown parameter 'account[]'; known: collect[], exclude[], account"),
            ("?Account=account-0", "unknown parameter 'Account'; known: collect[], exclude[], account"),
            (
                "?account=account-0&collect[]=jobs&exclude[]=jobs",
                "collect[] and exclude[] cannot be used together",
            ),
        ],
    )
    def test_a_request_that_does_not_say_which_account_is_400_with_one_clear_line(
        self, exporter: Rig, query: str, line: str
    ) -> None:
        answer = refused(exporter, query)
        assert (answer.status, answer.body.decode()) == (400, f"{line}\n")

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("nope", "'nope'"),
            ("Account-0", "'Account-0'"),
            ("account-0 ", "'account-0 '"),
            ("account-0\n", r"'account-0\n'"),
            ("account-", "'account-'"),
            ("http://169.254.169.254/", "'http://169.254.169.254/'"),
            ("../account-0", "'../account-0'"),
            ("<script>", "'<script>'"),
            ("\x00\r\n", r"'\x00\r\n'"),
            ("é€", r"'\xe9\u20ac'"),
            ("x" * 5000, f"'{'x' * 40}'"),
        ],
        ids=lambda text: text[:20].encode("unicode_escape").decode(),
    )
    def test_a_name_that_is_none_of_the_configuration_is_404_asks_nobody_and_names_nobody(
        self, exporter: Rig, name: str, shown: str
    ) -> None:
        answer = refused(exporter, f"?account={quote(name, safe='')}")
        assert (answer.status, answer.body.decode()) == (404, f"unknown account {shown}\n")

    def test_bytes_that_are_no_text_are_404(self, exporter: Rig) -> None:
        assert refused(exporter, "?account=%ff%fe").status == 404

    def test_metrics_does_not_take_an_account_and_serve_all_of_them(self, exporter: Rig) -> None:
        assert exporter.raw("GET", "/metrics?account=account-0").status == 400


def test_a_name_of_any_letters_is_asked_for_as_it_is_written() -> None:
    with rig() as exporter:
        odd = 'Grünwald & Söhne, 100% = "a+b"/#?'
        (one,) = exporter.wanted.settings.accounts
        assert exporter.reload(replace(exporter.wanted.settings, accounts=(replace(one, name=odd),))) is None
        assert {dict(labels)["account"] for _, labels in keys(probe(exporter, odd))} == {odd}


class TestReload:
    def test_an_account_that_stays_as_it_is_keeps_its_very_documents(self) -> None:
        with rig(3) as exporter:
            before = dict(exporter.fleet.roster.alone)
            one, two, _ = exporter.wanted.settings.accounts
            changed = replace(two, environment="staging")
            assert exporter.reload(replace(exporter.wanted.settings, accounts=(changed, one))) is None
            after = exporter.fleet.roster.alone
            assert list(after) == ["account-1", "account-0"]
            assert after["account-0"].documents is before["account-0"].documents
            assert after["account-1"].documents is not before["account-1"].documents

    def test_it_is_the_accounts_of_now_that_can_be_scraped(self) -> None:
        with rig(2) as exporter:
            one, two = exporter.wanted.settings.accounts
            probe(exporter, "account-1")
            until(lambda: not any(account.busy for account in exporter.fleet.accounts), "its history is read")
            assert exporter.reload(replace(exporter.wanted.settings, accounts=(one,))) is None
            assert refused(exporter, "?account=account-1").status == 404
            new = Account("new", one.token, one.base_url, None, rate_limit=one.rate_limit)
            changed = replace(one, environment="staging")
            assert exporter.reload(replace(exporter.wanted.settings, accounts=(changed, two, new))) is None
            assert 'environment="staging"' in probe(exporter, "account-0")
            assert of("account-1", keys(probe(exporter, "account-1")))
            assert of("new", keys(probe(exporter, "new")))

    def test_a_rejected_one_changes_nothing(self) -> None:
        with rig(2) as exporter:
            before = dict(exporter.fleet.roster.alone)
            one, two = exporter.wanted.settings.accounts
            tokenless = replace(two, name="new", token=replace(two.token, env="NOT_SET"))
            assert exporter.reload(replace(exporter.wanted.settings, accounts=(one, tokenless))) is not None
            assert exporter.fleet.roster.alone == before
            assert probe(exporter, "account-1")


def test_the_web_configuration_guards_it(exporter: Rig, tmp_path: Path) -> None:
    with served(written(tmp_path, USERS), app=build_app(exporter.fleet)) as guarded:
        path = "/probe?account=account-0&collect[]=exporter"
        for headers in ({}, basic("alice", "wrong")):
            answer = guarded.get(path, headers=headers)
            assert answer.status == 401
            assert b"celigo_" not in answer.body
        assert b'account="account-0"' in guarded.get(path, headers=basic("alice", PASSWORD)).body


def test_the_token_is_not_in_it(exporter: Rig) -> None:
    assert TOKEN not in probe(exporter, "account-0")
