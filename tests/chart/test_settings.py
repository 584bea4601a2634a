"""What the chart tells the exporter, the exporter takes: arguments and settings file of every value set."""

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from exporter.cli import PROGRAM, main, root
from exporter.config.load import parse_settings
from exporter.config.settings import Settings
from tests.chart.rendering import MINIMAL, SETS, Manifest, Release, everywhere, release, render

with_settings = pytest.mark.parametrize("name", [name for name in SETS if name != "demo"])


def files_of(found: Release, folder: Path) -> Path:
    """The files that the container sees, below a folder, tokens and all; the settings file's path."""
    for volume in found.pod["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            for item in source["secret"].get("items", []):
                place = mount_of(found, volume["name"])
                written(folder / place.lstrip("/") / item["path"], "a-token-1234")
    for account in yaml.safe_load(found.config)["accounts"]:
        if not account["token_file"].startswith("/var/run/secrets/"):
            written(folder / account["token_file"].lstrip("/"), "a-token-5678")
    here = folder / mount_of(found, "config").lstrip("/") / "config.yml"
    written(here, found.config.replace("_file: /", f"_file: {folder}/"))
    return here


def mount_of(found: Release, volume: str) -> str:
    (mount,) = [each for each in found.container["volumeMounts"] if each["name"] == volume]
    return str(mount["mountPath"])


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def settings_of(found: Release, folder: Path) -> Settings:
    path = files_of(found, folder)
    return parse_settings(path.read_text(encoding="utf-8"), str(path), {})


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Arguments as the real command line reads them. Raises click.UsageError."""
    command = root.commands[arguments[0]]
    return command.make_context(arguments[0], arguments[1:], parent=click.Context(root, info_name=PROGRAM)).params


def containers(found: Release) -> list[Manifest]:
    """Containers that run the exporter's own command."""
    tests = [container for pod in found.of("Pod") for container in pod["spec"]["containers"]]
    return [each for each in (found.container, *tests) if "command" not in each]


@with_settings
def test_config_check_accepts_the_settings_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files_of(release(name), tmp_path)
    status = main(["config", "check", f"--config.file={path}"], {})
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert ("redis.example" if name == "replicas" else "/var/lib/celigo-exporter/state.db") in said.out


@pytest.mark.parametrize("name", SETS)
def test_the_command_line_accepts_the_arguments(name: str) -> None:
    for container in containers(release(name)):
        parsed(container["args"])


def test_an_argument_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(click.UsageError, match=r"--web\.port"):
        parsed(["serve", "--web.port=1"])


@pytest.mark.parametrize("name", SETS)
def test_the_exporter_listens_where_the_container_says_and_reads_the_file_that_is_mounted(name: str) -> None:
    found = release(name)
    flags = parsed(found.container["args"])
    (port,) = found.container["ports"]
    assert flags["listen_addresses"] == (f":{port['containerPort']}",)
    if name != "demo":
        assert flags["config_file"] == f"{mount_of(found, 'config')}/config.yml"


def test_values_become_flags() -> None:
    service, closed = (
        parsed(release("image-and-service").container["args"]),
        release("authentication").container["args"],
    )
    assert (service["log_level"], service["log_format"]) == ("debug", "json")
    assert "--web.external-url=https://celigo.example.com/exporter" in closed
    assert "--web.telemetry-path=/celigo/metrics" in closed
    assert parsed(closed)["web_config_file"] == "/var/run/secrets/celigo-exporter/web/web.yml"
    assert parsed(release("demo").container["args"])["flows"] == 500


def test_accounts_become_accounts_with_the_files_of_their_tokens(tmp_path: Path) -> None:
    accounts = settings_of(release("accounts"), tmp_path).accounts
    given = SETS["accounts"]["accounts"]
    assert [account.name for account in accounts] == [entry["name"] for entry in given]
    assert (accounts[0].region, accounts[0].rate_limit.requests_per_second, accounts[0].rate_limit.burst) == (
        "eu",
        2.5,
        20,
    )
    assert accounts[0].token_expires is not None
    assert accounts[3].base_url == "https://integrator.example.com:8443"
    ends = [str(account.token.file).removeprefix(str(tmp_path)) for account in accounts]
    folder = "/var/run/secrets/celigo-exporter/tokens/celigo-tokens"
    assert ends == [f"{folder}/acme", f"{folder}/acme-sandbox", f"{folder}/acme", "/mnt/vault/elsewhere"]


def test_settings_arrive_as_they_were_given(tmp_path: Path) -> None:
    settings = settings_of(release("settings"), tmp_path)
    assert settings.profile == "full"
    assert settings.limits.series == 1_000_000
    assert settings.collectors.history.depth == 0
    assert settings.collectors.jobs.step_flows == ("Orders to ERP", "5f3a9c0e8b7d6a4f2e1c0b9a")
    assert settings.filters.flows.exclude == ("(?i)test.*", ".* - copy", "yes", "12:30")
    assert [owner.team for owner in settings.ownership] == ["finance", "commerce"]


def test_a_pod_is_replaced_exactly_when_the_settings_change() -> None:
    def checksum(values: dict[str, Any]) -> str:
        return str(render(values).workload["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    plain = checksum(dict(MINIMAL))
    assert checksum({**MINIMAL, "config": {"profile": "lean"}}) != plain
    assert checksum({**MINIMAL, "commonLabels": {"team": "x"}, "serviceMonitor": {"enabled": True}}) == plain


@with_settings
def test_no_object_holds_a_token(name: str) -> None:
    for path, _ in everywhere(yaml.safe_load(release(name).config)):
        assert path[-1:] not in {("token",), ("token_env",), ("existingSecret",)}
