"""Everything about one account: what is wrong, worst flows, cost, series, configuration."""

import re
from dataclasses import replace
from pathlib import Path

import requests

from exporter import __version__
from exporter.api.telemetry import Telemetry
from exporter.config.settings import Limits, StateSettings
from tests.serve.page.reading import UNKNOWN, links, notices, table, text, tiles
from tests.serve.page.stage import HOSTILE, TOKEN, Stage
from tests.serve.rig import TOKEN as RIG_TOKEN
from tests.serve.rig import rig


def page(held: Stage, name: str) -> str:
    """The account's page."""
    answer = requests.get(held.url, params={"account": name}, timeout=60)
    assert answer.status_code == 200
    return answer.text


def injected(held: Stage, kind: str) -> set[str]:
    """Names of the flows that the account itself knows to be so."""
    flows = held.flows()
    chosen = {"schedule_stopped": flows[:3], "flow_failing": flows[3:5]}[kind]
    return {" ".join(str(flow["name"]).split()) for flow in chosen}


def test_flows_that_stopped_are_overdue_longest_first_with_their_integrations(troubled: Stage) -> None:
    rows = table(page(troubled, "acme"), "overdue")
    assert set(rows) & injected(troubled, "schedule_stopped")
    ages = [in_seconds(cells[1].removesuffix(" ago")) for cells in rows.values()]
    assert ages == sorted(ages, reverse=True)
    assert all(integration and int(missed) >= 1 for integration, _, missed in rows.values())
    assert tiles(page(troubled, "acme"))["Overdue"].split()[0] == str(len(rows))


def test_flows_whose_runs_fail_are_told_with_how_often(troubled: Stage) -> None:
    rows = table(page(troubled, "acme"), "failing")
    assert set(rows) & injected(troubled, "flow_failing")
    runs = [int(cells[-1].replace(",", "")) for cells in rows.values()]
    assert runs == sorted(runs, reverse=True)
    assert tiles(page(troubled, "acme"))["Failing"].split()[0] == str(len(rows))


def test_the_oldest_errors_come_first(troubled: Stage) -> None:
    rows = table(page(troubled, "acme"), "errors")
    ages = [in_seconds(cells[1]) for cells in rows.values() if cells[1] != "not read yet"]
    assert ages == sorted(ages, reverse=True)
    assert max(ages) >= 9 * 86400
    assert max(int(cells[-1]) for cells in rows.values()) >= 340


def in_seconds(span: str) -> int:
    number, unit = span.split()
    return int(number) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]


def test_a_connection_that_is_offline_is_told_with_the_flows_on_it(troubled: Stage) -> None:
    content = page(troubled, "acme")
    rows = table(content, "connections")
    connections = troubled.connections()
    offline = {" ".join(str(row["name"]).split()) for row in connections if not row["online"]}
    assert set(rows) == offline
    assert tiles(content)["Offline"] == f"{len(offline)} of {len(connections)} connections"


def test_an_account_that_is_down_has_cause_and_remedy_and_no_stale_figures(troubled: Stage) -> None:
    content = page(troubled, "globex")
    (told,) = notices(content)
    assert told.startswith("auth, integrations, connections, flows, jobs")
    assert "the token is wrong, expired, revoked" in told
    assert "To do: compare the token in variable CELIGO_TOKEN" in told
    assert "no other region accepts it" not in told, "nobody asked them"
    assert {tiles(content)[name].split()[0] for name in ("Flows", "Overdue", "Failing", "Open errors")} == {UNKNOWN}
    assert not table(content, "overdue")
    assert "Which flows are overdue is not known." in text(content)


def test_links_lead_to_the_application_of_the_accounts_region(troubled: Stage) -> None:
    content = page(troubled, "acme")
    flow = troubled.flows()[0]
    assert f"https://eu.integrator.io/integrations/{flow['integration_id']}/flowBuilder/{flow['id']}" in links(content)
    assert "https://eu.integrator.io/home" in links(content)


def test_an_account_of_no_region_has_names_without_links() -> None:
    with rig() as exporter:
        exporter.upstream.answers["/v1/connections"] = (200, [{"_id": "c1", "name": "ERP", "offline": True}])
        exporter.scrape()
        exporter.idle()
        content = exporter.get("/").text
    assert "ERP" in table(content, "connections")
    assert not [target for target in links(content) if "://" in target]


def test_names_are_one_visible_line_each(troubled: Stage) -> None:
    rows = table(page(troubled, HOSTILE[1]), "failing")
    assert HOSTILE[0] in rows
    assert "invoice \ufffdgnp.exe\ufffd \ufffd right to left" in rows
    assert all(len(name) <= 170 for name in rows)
    assert "\u202e" not in page(troubled, HOSTILE[1])


def test_names_of_any_length_are_cut() -> None:
    with rig() as exporter:
        name = "x" * 5000
        exporter.upstream.answers["/v1/connections"] = (200, [{"_id": "c1", "name": name, "offline": True}])
        exporter.scrape()
        exporter.idle()
        content = exporter.get("/").text
    (shown,) = table(content, "connections")
    assert shown == f"{'x' * 159}…"
    assert "x" * 161 not in content


def test_calls_are_told_by_endpoint_with_budget_and_cache(healthy: Stage) -> None:
    content = requests.get(healthy.url, timeout=60).text
    telemetry: Telemetry = healthy.fleet.accounts[0].telemetry
    sent = telemetry.series("celigo_api_requests_total")
    rows = table(content, "endpoints")
    assert set(rows) == {endpoint for endpoint, *_ in sent}
    asked = [row for row in healthy.simulators[0].requests() if row["path"] == "/v1/tokenInfo"]
    assert rows["/v1/tokenInfo"][0] == str(len(asked))
    assert re.fullmatch(r"\d+ of 2000 requests free now; 2000 a second", tiles(content)["Budget"])
    assert re.fullmatch(r"\d+ % \d+ of \d+ look-ups", tiles(content)["From cache"])
    assert tiles(content)["Waited after 429"].startswith("0 s")


def test_a_429_and_the_budget_are_seen_in_what_was_waited() -> None:
    with rig() as exporter:
        exporter.fleet.accounts[0].telemetry.waited("budget", 61.0)
        exporter.fleet.accounts[0].telemetry.waited("retry_after", 7300.0)
        content = exporter.get("/").text
    assert tiles(content)["Waited for it"].startswith("61 s")
    assert tiles(content)["Waited after 429"].startswith("2 h")


def test_series_are_told_by_family_and_add_up(healthy: Stage) -> None:
    content = requests.get(healthy.url, timeout=60).text
    total = int(tiles(content)["Series"].split()[0].replace(",", ""))
    assert total == sum(block.size for block in healthy.fleet.accounts[0].served.blocks)
    counts = [int(cells[0].replace(",", "")) for cells in table(content, "families").values()]
    assert counts == sorted(counts, reverse=True)
    assert "profile full" in tiles(content)["Families"]


def test_series_that_were_left_out_are_told() -> None:
    with rig(limits=Limits(attempts=1, series=40), profile="full") as exporter:
        assert table(exporter.get("/").text, "families") == {}
        exporter.scrape()
        exporter.idle()
        exporter.clock.advance(1)
        exporter.scrape()
        content = exporter.get("/").text
        gone = set(exporter.fleet.accounts[0].served.missing)
    assert gone
    assert set(table(content, "dropped")) <= gone
    assert any("more series than it may" in line for line in notices(content))


def test_the_configuration_is_told_without_the_token() -> None:
    with rig() as exporter:
        exporter.scrape()
        content = exporter.get("/").text
    assert "token_env: T" in content
    assert "--web.telemetry-path=/metrics" in content
    assert RIG_TOKEN not in content


def test_no_token_and_no_message_is_on_any_page(troubled: Stage) -> None:
    for name in ("acme", "globex", HOSTILE[1]):
        assert TOKEN not in page(troubled, name)
    with rig() as exporter:
        exporter.upstream.answers["/v1/flows"] = (400, {"errors": [{"code": "x", "message": "mail bob@example.com"}]})
        exporter.upstream.answers["/v1/tokenInfo"] = (200, {"_userId": "5f1a", "email": "ann@example.com"})
        exporter.scrape()
        exporter.idle()
        assert "@example.com" not in exporter.get("/").text


def test_the_state_and_the_build_are_told(tmp_path: Path) -> None:
    with rig(state=StateSettings(f"{tmp_path}/state.db")) as exporter:
        content = exporter.get("/").text
    told = tiles(content)
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["Python"])
    assert told["Version"] == __version__
    assert told["State"].startswith("counters survive a restart in")
    assert "KiB" in told["State"]


def test_a_token_that_expires_soon_is_told() -> None:
    with rig() as exporter:
        account = exporter.fleet.accounts[0]
        account.account = replace(account.account, token_expires=exporter.clock.time() + 2 * 86400 + 60)
        assert any("purges itself in 2 d" in line for line in notices(exporter.get("/").text))
