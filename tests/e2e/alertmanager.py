"""A real Alertmanager, and the shipped example with its letters sent to a test."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.e2e.processes import Program, free_port

EXAMPLE = Path(__file__).parents[2] / "exporter/rules/alertmanager.example.yml"

Config = dict[str, Any]


class Alertmanager(Program):
    """A real Alertmanager on one port of 127.0.0.1, alone, in its own folder."""

    def __init__(self, binary: str, folder: Path, config: Mapping[str, Any], log_level: str = "warn") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "alertmanager.yml"
        file.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        super().__init__(
            [
                binary,
                f"--config.file={file}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
                f"--log.level={log_level}",
            ]
        )

    def post(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Tell it of firing alerts, given by their labels."""
        body = [{"labels": labels} for labels in alerts]
        requests.post(f"{self.url}/api/v2/alerts", json=body, timeout=60).raise_for_status()

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert it knows, with its status."""
        return self._listed("alerts")

    def groups(self) -> list[dict[str, Any]]:
        """The notifications it prepares: receiver, common labels and alerts of each."""
        return self._listed("alerts/groups")

    def _listed(self, what: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.url}/api/v2/{what}", timeout=60)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


def example() -> Config:
    """The shipped example."""
    config: Config = yaml.safe_load(EXAMPLE.read_text())
    return config


def without_letters(config: Config) -> Config:
    """The same, with receivers that tell nobody."""
    silent = [{"name": receiver["name"]} for receiver in config["receivers"]]
    return {**config, "receivers": silent}


def letters_to(url: str, folder: Path, config: Config) -> Config:
    """The same at once, with every letter sent to `url`/SERVICE/RECEIVER: Slack's and PagerDuty's in the example's own
    words, beside them the webhook with everything that Alertmanager says. E-mail, which needs another server, is left
    out.
    """
    key = folder / "secret"
    folder.mkdir(parents=True, exist_ok=True)
    key.write_text("a key that nobody asks for")
    receivers = [_redirected(receiver, url, key) for receiver in config["receivers"]]
    return {**config, "receivers": receivers, "route": _at_once(config["route"])}


def _redirected(receiver: Config, url: str, key: Path) -> Config:
    name = receiver["name"]
    redirected: Config = {"name": name, "webhook_configs": [{"url": f"{url}/webhook/{name}"}]}
    if slack := receiver.get("slack_configs"):
        text = {key: value for key, value in slack[0].items() if key != "api_url_file"}
        redirected["slack_configs"] = [{**text, "api_url": f"{url}/slack/{name}"}]
    if pager := receiver.get("pagerduty_configs"):
        own = {"routing_key_file": str(key), "url": f"{url}/pagerduty/{name}"}
        redirected["pagerduty_configs"] = [{**pager[0], **own}]
    return redirected


def _at_once(route: Config) -> Config:
    """The route and those below it, with one second in the place of each waiting time."""
    quick = {name: "1s" if name in {"group_wait", "group_interval"} else value for name, value in route.items()}
    return {**quick, "routes": [_at_once(below) for below in route.get("routes", [])]}


def routes(route: Config) -> Iterator[Config]:
    """The route and all those below it."""
    yield route
    for below in route.get("routes", []):
        yield from routes(below)
