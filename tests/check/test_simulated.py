"""`check` against a real server in each failing mode: the right line fails, with the right cause and remedy."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.check.run import run_check
from exporter.clock import SystemClock
from exporter.config.settings import Account, Limits, Settings, TokenSource
from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.processes import free_port

CHECKS = ["auth", "integrations", "connections", "flows", "jobs", "errors"]
LIMITS = Limits(connect_timeout=1.0, read_timeout=2.0, response_bytes=2_000_000)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(SimulatorOptions(flows=12, history_seconds=3600.0)) as running:
        yield running


@pytest.fixture(autouse=True)
def _lifted(sim: Simulator) -> Iterator[None]:
    yield
    sim.lift_all()


def answer(
    url: str, token: str = "demo-token", region: str | None = None, **options: Any
) -> tuple[int, dict[str, Any]]:
    """Exit status and the JSON lines by check."""
    account = Account("acme", TokenSource(env="ACME_TOKEN"), url, region)
    out = io.StringIO()
    settings = Settings((account,), limits=LIMITS)
    status = run_check(settings, {"ACME_TOKEN": token}, SystemClock(), out, "json", **options)
    document = json.loads(out.getvalue())
    assert document["ok"] is (status == 0)
    return status, {line["check"]: line for line in document["checks"]}


def test_a_healthy_account_passes_every_check(sim: Simulator) -> None:
    status, lines = answer(sim.url)
    assert status == 0
    assert [(name, lines[name]["status"]) for name in lines] == [(name, "ok") for name in CHECKS]
    assert all(lines[name]["seconds"] is not None for name in CHECKS)
    assert lines["flows"]["rows"] > 0


def test_a_check_costs_few_requests(sim: Simulator) -> None:
    before = len(sim.requests())
    answer(sim.url)
    assert len(sim.requests()) - before <= 7


MODES = [
    pytest.param("forbidden", {"path": "/v1/flows"}, "flows", "missing scope", "full-access", id="missing scope"),
    pytest.param("status", {"path": "/v1/jobs", "status": 404}, "jobs", "not found", "base_url", id="not found"),
    pytest.param("status", {"path": "/v1/jobs", "status": 400}, "jobs", "HTTP 400", "report", id="bad request"),
    pytest.param("status", {"path": "/v1/jobs", "status": 409}, "jobs", "HTTP 409", "report", id="conflict"),
    pytest.param("status", {"path": "/v1/jobs", "status": 422}, "jobs", "HTTP 422", "report", id="validation"),
    pytest.param("status", {"path": "/v1/jobs", "status": 500}, "jobs", "HTTP 500", "retry later", id="500"),
    pytest.param("status", {"path": "/v1/jobs", "status": 502}, "jobs", "HTTP 502", "retry later", id="502"),
    pytest.param("status", {"path": "/v1/jobs", "status": 503}, "jobs", "HTTP 503", "retry later", id="503"),
    pytest.param(
        "rate_limited", {"path": "/v1/flows", "retry_after": 7}, "flows", "wait 7 s", "requests_per_second", id="429"
    ),
    pytest.param("hang", {"path": "/v1/connections"}, "connections", "no answer in time", "outbound HTTPS", id="hang"),
    pytest.param("reset", {"path": "/v1/connections"}, "connections", "firewall", "outbound HTTPS", id="reset"),
    pytest.param("truncated", {"path": "/v1/flows"}, "flows", "truncated", "cuts long answers", id="truncated"),
    pytest.param("html", {"path": "/v1/flows"}, "flows", "no JSON", "base_url", id="html"),
    pytest.param("invalid_json", {"path": "/v1/flows"}, "flows", "no JSON", "base_url", id="invalid json"),
    pytest.param("wrong_shape", {"path": "/v1/flows"}, "flows", "data format", "version", id="shape"),
    pytest.param("huge", {"path": "/v1/flows", "bytes": 3_000_000}, "flows", "response_bytes", "raise", id="too large"),
    pytest.param("redirect", {"path": "/v1/flows"}, "flows", "redirects", "base_url", id="redirect"),
    pytest.param(
        "unauthorized", {"path": "/v1/integrations/{integrationId}/errors"}, "errors", "token", "API tokens", id="401"
    ),
]


@pytest.mark.parametrize(("kind", "options", "check", "cause", "remedy"), MODES)
def test_one_failing_call_fails_its_own_line_with_cause_and_remedy(
    sim: Simulator, kind: str, options: dict[str, Any], check: str, cause: str, remedy: str
) -> None:
    sim.inject(kind, **options)
    status, lines = answer(sim.url)
    assert status == 1
    assert {name for name in CHECKS if lines[name]["status"] == "failed"} == {check}
    assert cause in lines[check]["cause"]
    assert remedy in lines[check]["remedy"]


@pytest.mark.parametrize("incident", ["token_revoked", "token_expired"])
def test_a_dead_token_is_asked_once_and_named(sim: Simulator, incident: str) -> None:
    sim.inject(incident)
    before = len(sim.requests())
    status, lines = answer(sim.url)
    assert status == 1
    assert "wrong, expired, revoked" in lines["auth"]["cause"]
    assert "ACME_TOKEN" in lines["auth"]["remedy"]
    assert {lines[name]["status"] for name in CHECKS[1:]} == {"skipped"}
    assert len(sim.requests()) - before == 1


def test_the_region_that_accepts_the_token_is_found(sim: Simulator) -> None:
    with Simulator(SimulatorOptions(flows=0, token="other-token")) as elsewhere:
        regions = {"us": elsewhere.url, "eu": sim.url}
        status, lines = answer(elsewhere.url, region="us", regions=regions)
    assert status == 1
    assert lines["auth"]["cause"] == "wrong region: the token is refused by us but accepted by eu"
    assert "region: eu" in lines["auth"]["remedy"]


def test_a_token_that_no_region_accepts_says_so(sim: Simulator) -> None:
    with Simulator(SimulatorOptions(flows=0)) as elsewhere:
        regions = {"us": sim.url, "eu": elsewhere.url}
        _, lines = answer(sim.url, token="other-token", region="us", regions=regions)
        assert len(elsewhere.requests()) == 1
    assert "no other region accepts it" in lines["auth"]["cause"]


def test_a_token_for_a_host_of_its_own_is_never_shown_to_other_hosts(sim: Simulator) -> None:
    with Simulator(SimulatorOptions(flows=0)) as elsewhere:
        answer(sim.url, token="other-token", region=None, regions={"eu": elsewhere.url})
        assert elsewhere.requests() == []


def test_a_name_that_does_not_resolve_is_dns() -> None:
    status, lines = answer("https://api.integrator.invalid")
    assert status == 1
    assert "DNS" in lines["auth"]["cause"]
    assert "getent hosts api.integrator.invalid" in lines["auth"]["remedy"]
    assert {lines[name]["status"] for name in CHECKS[1:]} == {"skipped"}


def test_a_closed_port_is_the_firewall() -> None:
    port = free_port()
    _, lines = answer(f"http://127.0.0.1:{port}")
    assert "refused" in lines["auth"]["cause"]
    assert f"127.0.0.1:{port}" in lines["auth"]["remedy"]


def test_a_port_without_tls_is_told_apart(sim: Simulator) -> None:
    _, lines = answer(sim.url.replace("http://", "https://"))
    assert "does not speak TLS" in lines["auth"]["cause"]


def test_an_unknown_certificate_is_told_apart(tmp_path: Path) -> None:
    pair = trustme.CA().issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(part.bytes() for part in pair.cert_chain_pems))
    pair.private_key_pem.write_to_path(str(key))
    with Simulator(SimulatorOptions(flows=0, tls_cert=cert, tls_key=key)) as secured:
        status, lines = answer(secured.url)
    assert status == 1
    assert "not trusted" in lines["auth"]["cause"]
    assert "REQUESTS_CA_BUNDLE" in lines["auth"]["remedy"]


def test_a_wrong_clock_is_a_warning_and_no_failure() -> None:
    options = SimulatorOptions(flows=12, history_seconds=0.0, start=SystemClock().time() - 120)
    with Simulator(options) as late:
        status, lines = answer(late.url)
    assert status == 0
    assert lines["clock"]["status"] == "warning"
    assert "120 s ahead of" in lines["clock"]["cause"] or "119 s ahead of" in lines["clock"]["cause"]


def test_a_missing_token_is_one_line_with_what_to_check() -> None:
    account = Account("acme", TokenSource(file="/nonexistent/token"))
    out = io.StringIO()
    assert run_check(Settings((account,)), {}, SystemClock(), out) == 1
    assert out.getvalue().count("\n") == 1
    assert "/nonexistent/token" in out.getvalue()


def test_plain_text_is_one_line_a_check_without_the_token(sim: Simulator) -> None:
    sim.inject("forbidden", path="/v1/jobs")
    account = Account("acme", TokenSource(env="ACME_TOKEN"), sim.url, None)
    out = io.StringIO()
    status = run_check(Settings((account,)), {"ACME_TOKEN": sim.token}, SystemClock(), out)
    lines = out.getvalue().splitlines()
    assert status == 1
    assert [line.split()[:3] for line in lines] == [
        ["acme", name, "FAILED" if name == "jobs" else "OK"] for name in CHECKS
    ]
    assert "to do: use a full-access token" in out.getvalue()
    assert sim.token not in out.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_with_every_check_and_remedy(sim: Simulator) -> None:
    sim.inject("forbidden", path="/v1/jobs")
    account = Account("[red]acme", TokenSource(env="ACME_TOKEN"), sim.url, None)
    out = Terminal()
    assert run_check(Settings((account,)), {"ACME_TOKEN": sim.token}, SystemClock(), out) == 1
    shown = out.getvalue()
    assert all(name in shown for name in CHECKS)
    assert "[red]acme" in shown, "a name is text, not markup"
    assert "missing scope" in shown
