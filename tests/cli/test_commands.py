"""What each command hands to the part that does its work, and what it makes of the outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.clock import Clock
from exporter.config.address import ListenAddress
from exporter.config.settings import Settings, Web
from exporter.serve.demo import DemoOptions
from tests.cli.conftest import ENVIRON, Call
from tests.clocks import ManualClock


@dataclass(slots=True)
class Served:
    """What `serve` was called with."""

    settings: Settings | None = None
    environ: Mapping[str, str] | None = None
    clock: Clock | None = None
    load: Callable[[], Settings] | None = None


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    seen = Served()

    def serve(settings: Settings, environ: Mapping[str, str], clock: Clock, *, load: Callable[[], Settings]) -> int:
        seen.settings, seen.environ, seen.clock, seen.load = settings, environ, clock, load
        return 0

    monkeypatch.setattr("exporter.serve.server.serve", serve)
    return seen


def settings_of(served: Served) -> Settings:
    assert served.settings is not None
    return served.settings


@pytest.mark.parametrize("arguments", [[], ["serve"]], ids=["no command", "serve"])
def test_without_a_command_it_serves_the_account_of_the_environment(
    call: Call, served: Served, arguments: list[str]
) -> None:
    assert call(*arguments).status == 0
    assert [account.name for account in settings_of(served).accounts] == ["default"]
    assert settings_of(served).web == Web()


def test_a_flag_without_a_command_belongs_to_serve(call: Call, served: Served, config_file: Path) -> None:
    assert call(f"--config.file={config_file}").status == 0
    assert [account.name for account in settings_of(served).accounts] == ["acme"]


def test_environment_and_clock_are_handed_on_not_looked_up(call: Call, served: Served) -> None:
    assert call("serve").status == 0
    assert served.environ == ENVIRON
    assert isinstance(served.clock, ManualClock)


def test_every_web_flag_reaches_the_settings(call: Call, served: Served) -> None:
    ended = call(
        "serve",
        "--web.listen-address=127.0.0.1:1",
        "--web.listen-address",
        "[::1]:2",
        "--web.telemetry-path=/celigo",
        "--web.external-url=https://Example.com/x/",
        "--timeout-offset=1.5",
        "--web.enable-lifecycle",
    )
    assert ended.status == 0
    addresses = ("127.0.0.1:1", "[::1]:2")
    assert settings_of(served).web == Web(addresses, "/celigo", "https://example.com/x", 1.5, enable_lifecycle=True)


def test_what_is_read_again_is_the_same_file_with_the_same_flags(call: Call, served: Served, config_file: Path) -> None:
    assert call(f"--config.file={config_file}", "--web.telemetry-path=/celigo").status == 0
    config_file.write_text(config_file.read_text().replace("acme", "other"))
    assert served.load is not None
    again = served.load()
    assert [account.name for account in again.accounts] == ["other"]
    assert again.web.telemetry_path == "/celigo"


@pytest.mark.parametrize(("least", "lines"), [("debug", 2), ("info", 1), ("error", 0)])
def test_the_log_is_set_up_before_serving(call: Call, monkeypatch: pytest.MonkeyPatch, least: str, lines: int) -> None:
    def serve(*_: object, **__: object) -> int:
        import logging

        logging.getLogger("exporter.x").info("m")
        logging.getLogger("exporter.x").debug("m")
        return 0

    monkeypatch.setattr("exporter.serve.server.serve", serve)
    ended = call(f"--log.level={least}", "--log.format=json")
    assert [line[0] + line[-1] for line in ended.err.splitlines()] == ["{}"] * lines


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("fmt", ["text", "json"])
def test_check_ends_as_its_checks_did(
    call: Call, monkeypatch: pytest.MonkeyPatch, config_file: Path, status: int, fmt: str
) -> None:
    def run_check(settings: Settings, environ: Mapping[str, str], clock: Clock, out: Any, answer_format: str) -> int:
        out.write(f"{settings.accounts[0].name} {answer_format} {len(environ)} {clock.time():.0f}\n")
        return status

    monkeypatch.setattr("exporter.check.run.run_check", run_check)
    ended = call("check", f"--config.file={config_file}", f"--format={fmt}")
    assert (ended.status, ended.out) == (status, f"acme {fmt} 1 1788000000\n")


def test_metrics_writes_what_was_collected_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from exporter.cli import main

    document = '# HELP a b\n# TYPE a gauge\na{name="Bestellungen \u2192 ERP"} 1\n'.encode()
    monkeypatch.setattr("exporter.serve.once.collect_once", lambda *_: document)
    assert main(["metrics"], ENVIRON, ManualClock()) == 0
    assert capfdbinary.readouterr().out == document


def watched_demo(monkeypatch: pytest.MonkeyPatch) -> list[DemoOptions]:
    """The options that the demo was started with."""
    seen: list[DemoOptions] = []

    def run_demo(options: DemoOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("exporter.serve.demo.run_demo", run_demo)
    return seen


def test_demo_hands_on_where_and_how_large(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched_demo(monkeypatch)
    flags = ("--listen=127.0.0.1:1", "--control=127.0.0.1:2", "--flows=500", "--seed=7", "--speed=60")
    assert call("demo", "--web.listen-address=:0", *flags, environ={}).status == 0
    web, loopback = Web(listen_addresses=(":0",)), "127.0.0.1"
    assert seen == [DemoOptions(web, ListenAddress(loopback, 1), ListenAddress(loopback, 2), 500, 7, 60.0)]


def test_demo_needs_neither_a_token_nor_a_flag(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched_demo(monkeypatch)
    assert call("demo", environ={}).status == 0
    assert (seen[0].web, seen[0].api.port, seen[0].control.port, seen[0].flows) == (Web(), 0, 0, 60)


def test_config_check_prints_what_is_in_effect(call: Call, config_file: Path) -> None:
    ended = call("config", "check", f"--config.file={config_file}")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith('accounts:\n  - name: "acme"\n    environment: "sandbox"\n    region: us\n')
    assert "prober-token" not in ended.out


def test_what_config_check_prints_is_a_settings_file(call: Call, config_file: Path, tmp_path: Path) -> None:
    first = call("config", "check", f"--config.file={config_file}").out
    again = tmp_path / "again.yml"
    again.write_text(first)
    assert call("config", "check", f"--config.file={again}").out == first


def test_config_check_takes_the_environment_without_a_file(call: Call) -> None:
    assert 'name: "default"' in call("config", "check").out
