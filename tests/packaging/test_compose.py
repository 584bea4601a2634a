"""The compose example: what it mounts exists, what it names is there, and its files are read by the real tools.

No container is started: there is no container engine where the tests run.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__, cli
from exporter.config.load import load_settings
from exporter.config.settings import Web
from exporter.rules.thresholds import default_thresholds
from tests.conftest import required_tool

FOLDER = Path(__file__).parents[2] / "deploy/compose"
PORTS = {"exporter": 10940, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}


class _Loader(yaml.SafeLoader):
    """YAML with compose's `!reset`, which stands for what is there after the merge."""


def _reset(loader: _Loader, node: yaml.SequenceNode) -> list[object]:
    return loader.construct_sequence(node)


_Loader.add_constructor("!reset", _reset)


def read(name: str) -> Any:
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), _Loader)


COMPOSE = read("compose.yml")
SERVICES: dict[str, Any] = COMPOSE["services"]
EACH = pytest.mark.parametrize("name", SERVICES)


def mounts(name: str, kind: str) -> dict[str, str]:
    """Sources of a service's mounts by where they are in the container."""
    return {each["target"]: each["source"] for each in SERVICES[name]["volumes"] if each["type"] == kind}


def test_it_has_the_four_programs() -> None:
    assert SERVICES.keys() == PORTS.keys()


@EACH
def test_no_container_has_privileges_or_may_write_its_root(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & service.keys()


@EACH
def test_only_this_machine_reaches_it(name: str) -> None:
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"]


@EACH
def test_what_it_mounts_exists_and_is_read_only(name: str) -> None:
    for each in SERVICES[name]["volumes"]:
        if each["type"] == "bind":
            assert (FOLDER / each["source"]).resolve().exists(), each["source"]
            assert each["read_only"] is True


@EACH
def test_what_it_writes_is_a_volume_that_is_declared(name: str) -> None:
    assert set(mounts(name, "volume").values()) == {name}


def test_no_volume_is_declared_for_nobody() -> None:
    assert COMPOSE["volumes"].keys() == SERVICES.keys()


@EACH
def test_its_image_is_one_fixed_release(name: str) -> None:
    assert re.fullmatch(
        r"(docker\.io|ghcr\.io)/[a-z/-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"]
    )


def test_the_exporter_is_this_one_by_the_user_of_its_image() -> None:
    exporter = SERVICES["exporter"]
    assert exporter["image"].endswith(f"/celigo-exporter:{__version__}")
    dockerfile = (FOLDER / exporter["build"] / "Dockerfile").read_text()
    assert f"USER {exporter['user']}\n" in dockerfile
    assert Web().listen_addresses == (f":{PORTS['exporter']}",)


def test_the_exporters_settings_are_valid_and_fit_its_mounts(tmp_path: Path) -> None:
    settings = read("celigo.yml")
    (secret,) = SERVICES["exporter"]["secrets"]
    assert settings["accounts"][0]["token_file"] == f"/run/secrets/{secret}"
    assert str(Path(settings["state"]["path"]).parent) in mounts("exporter", "volume")
    assert SERVICES["exporter"]["command"] == [f"--config.file={next(iter(mounts('exporter', 'bind')))}"]
    (tmp_path / "token").write_text("prober-token-4f1c")
    settings["accounts"][0]["token_file"] = str(tmp_path / "token")
    (tmp_path / "celigo.yml").write_text(yaml.safe_dump(settings))
    assert load_settings(str(tmp_path / "celigo.yml"), {}).accounts[0].name == "acme"


def test_a_token_beside_it_is_never_committed() -> None:
    secret = FOLDER / COMPOSE["secrets"]["celigo-token"]["file"]
    assert (secret.parent / ".gitignore").read_text().splitlines()[-2:] == ["*", "!.gitignore"]


def test_the_demo_is_a_command_that_needs_neither_token_nor_settings() -> None:
    demo = read("compose.demo.yml")["services"]
    assert demo == {"exporter": {"command": ["demo"], "volumes": [], "secrets": []}}
    assert "demo" in cli.root.commands


def test_prometheus_reads_its_settings_and_the_rules(tmp_path: Path) -> None:
    for target, source in mounts("prometheus", "bind").items():
        shutil.copyfile(FOLDER / source, tmp_path / Path(target).name)
    tool = required_tool("promtool")
    run = subprocess.run(
        [tool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert "1 rule files found" in run.stdout


def test_alertmanager_reads_its_settings(amtool: str) -> None:
    run = subprocess.run(
        [amtool, "check-config", FOLDER / "alertmanager.yml"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr


def test_prometheus_finds_everybody_where_they_listen() -> None:
    config = read("prometheus.yml")
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    own = {"celigo": "exporter", "prometheus": "prometheus", "alertmanager": "alertmanager"}
    for job, service in own.items():
        host = "localhost" if service == "prometheus" else service
        assert jobs[job] == [f"{host}:{PORTS[service]}"]
    told = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert told == [f"alertmanager:{PORTS['alertmanager']}"]


def test_the_rules_know_the_job_that_scrapes_the_exporter() -> None:
    assert re.fullmatch(str(default_thresholds().values["job"]), "celigo")


def test_grafana_asks_that_prometheus_and_finds_the_boards() -> None:
    (source,) = read("datasource.yml")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", f"http://prometheus:{PORTS['prometheus']}")
    boards = mounts("grafana", "bind")
    (provider,) = read(boards["/etc/grafana/provisioning/dashboards/celigo.yml"])["providers"]
    place = provider["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert json.loads((FOLDER / home.replace(place, boards[place])).read_text())["title"] == "Celigo / Fleet overview"
