"""From an incident in the sample account to the words that somebody reads, through real programs alone.

Simulator, exporter, Prometheus with the shipped rules, Alertmanager with the shipped example. Only what a user may
change is changed: thresholds and intervals are short, and the letters go to this test.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.e2e.alertmanager import Alertmanager, example, letters_to
from tests.e2e.inbox import Inbox, Letter
from tests.e2e.processes import EXPORTER, Program, Prometheus, free_port, until
from tests.recorder import RECORDER

FLOW = "Shopify orders → Amazon Seller Central (outlet)"
CONNECTION = "NetSuite production"
THRESHOLDS = {"failing_for": "1s", "not_recovering_for": "1s", "recovery": "1s", "slow_interval": "1s"}
"""In the place of minutes, and of an hour in which a flow is excused after its connection came back."""

Alert = dict[str, Any]


@dataclass(frozen=True)
class World:
    """The sample account's control API, and where the letters arrive."""

    control_url: str
    inbox: Inbox

    def control(self, method: str, path: str, **body: object) -> Any:
        """One call of the control API; its JSON answer."""
        answer = requests.request(method, self.control_url + path, json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def inject(self, kind: str, **options: object) -> str:
        """Start an incident; its id."""
        return str(self.control("POST", "/incidents", kind=kind, **options)["id"])

    def known(self, part: str, name: str) -> dict[str, Any]:
        """The flow or connection of this name."""
        (found,) = [entry for entry in self.control("GET", "/truth")[part] if entry["name"] == name]
        return dict(found)

    def told(self, receiver: str, alert: str, status: str, **labels: str) -> tuple[Letter, Alert]:
        """The webhook's first letter to this receiver about this alert, and the alert in it."""

        def wanted(letter: Letter) -> bool:
            return letter.path == f"/webhook/{receiver}" and bool(alerts_in(letter, alert, status, labels))

        letter = self.inbox.first(wanted, f"{alert} {status} for {receiver}")
        return letter, alerts_in(letter, alert, status, labels)[0]

    def read(self, service: str, receiver: str, *words: str) -> Any:
        """The body of the first letter in a service's own form that has all of the words in it."""

        def wanted(letter: Letter) -> bool:
            return letter.path == f"/{service}/{receiver}" and all(word in text_of(letter) for word in words)

        return self.inbox.first(wanted, f"{words} for {service} of {receiver}").body


def alerts_in(letter: Letter, name: str, status: str, labels: dict[str, str]) -> list[Alert]:
    asked = {"alertname": name, **labels}
    return [
        alert
        for alert in letter.body["alerts"]
        if alert["status"] == status and asked.items() <= alert["labels"].items()
    ]


def text_of(letter: Letter) -> str:
    """Slack's title and text, or what PagerDuty is told."""
    body = letter.body
    if "attachments" in body:
        return "\n".join(f"{part['title']}\n{part['text']}" for part in body["attachments"])
    return f"{body['event_action']} {body['payload']['summary']}\n{body['payload']['custom_details']['alerts']}"


@pytest.fixture(scope="module")
def world(
    prometheus_binary: str, alertmanager_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("notification")
    with ExitStack() as stack:
        inbox = stack.enter_context(Inbox())
        config = letters_to(inbox.url, folder, example())
        alertmanager = stack.enter_context(Alertmanager(alertmanager_binary, folder / "alertmanager", config))
        api, control, port = free_port(), free_port(), free_port()
        flags = (f"--listen=127.0.0.1:{api}", f"--control=127.0.0.1:{control}")
        simulator = stack.enter_context(Program([*EXPORTER, "simulator", *flags]))
        alertmanager.answering(f"{alertmanager.url}/-/ready")
        # Before the exporter starts: what it could not read at first it would read again after minutes.
        simulator.answering(f"http://127.0.0.1:{control}/")
        stack.enter_context(exporter(folder, api, port))
        targets = [f"127.0.0.1:{port}"]
        prometheus = Prometheus(
            prometheus_binary, folder, targets, "1s", [rules(folder)], alertmanagers=[alertmanager.address]
        )
        stack.enter_context(prometheus).answering(f"{prometheus.url}/-/ready")
        first_runs = "celigo:flow_labels and on (flow_id) celigo_flow_consecutive_failed_runs"
        until(lambda: prometheus.query(first_runs), "the first runs")
        world = World(f"http://127.0.0.1:{control}", inbox)
        yield world
        RECORDER.simulator_log(world.control("GET", "/requests")["requests"])


def exporter(folder: Path, api: int, port: int) -> Program:
    """The exporter on the simulator, with short intervals."""
    account = {
        "name": "acme",
        "environment": "sandbox",
        "base_url": f"http://127.0.0.1:{api}",
        "token_env": "TOKEN",
        "rate_limit": {"requests_per_second": 100, "burst": 500},
    }
    settings = {
        "accounts": [account],
        "collectors": {name: {"interval": "2s"} for name in ("health", "jobs", "connections")},
        "ownership": [{"match": {"name": ".*orders.*"}, "team": "commerce", "tier": "gold"}],
    }
    file = folder / "celigo.yml"
    file.write_text(yaml.safe_dump(settings))
    command = [*EXPORTER, "serve", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
    return Program(command, {"TOKEN": "demo-token"})


def rules(folder: Path) -> Path:
    """The shipped rules as a user makes them with thresholds of his own."""
    thresholds = folder / "thresholds.yml"
    thresholds.write_text(yaml.safe_dump(THRESHOLDS))
    command = [*EXPORTER, "rules", "export", str(folder / "alerts"), f"--thresholds={thresholds}"]
    with Program(command) as export:
        assert export.process is not None
        assert export.process.wait(60) == 0
    return folder / "alerts/celigo.rules.yml"


def test_a_flow_that_keeps_failing_pages_its_team_in_words_that_help_and_tells_when_it_is_over(world: World) -> None:
    flow = world.known("flows", FLOW)
    ids = {"flow_id": flow["id"], "account": "acme"}
    stopped = world.inject("schedule_stopped", flow=flow["id"])  # no run of its own comes in between
    for _ in range(3):
        world.inject("flow_run_now", flow=flow["id"], status="failed", seconds=0)
    letter, alert = world.told("commerce-pager", "CeligoFlowFailingRepeatedly", "firing", **ids)
    chat = world.read("slack", "commerce-pager", "CRITICAL", FLOW)
    page = world.read("pagerduty", "commerce-pager", "trigger", FLOW)
    print_received(letter, chat, page)

    said = alert["annotations"]
    assert alert["labels"] | ids == alert["labels"]
    assert alert["labels"]["team"] == "commerce"
    assert said["summary"].startswith(f"{FLOW} failed ")
    assert "What it carries is not moved." in said["description"]
    assert said["runbook_url"].endswith("/docs/runbooks.md#celigoflowfailingrepeatedly")
    assert said["link"].startswith("https://integrator.io/integrations/")
    assert said["link"].endswith(f"/flowBuilder/{flow['id']}")
    for text in (text_of(Letter("", chat, 0)), text_of(Letter("", page, 0))):
        for part in ("acme", said["summary"], said["description"], said["runbook_url"], said["link"]):
            assert part in text
    assert page["payload"]["severity"] == "critical"

    world.control("DELETE", f"/incidents/{stopped}")
    world.inject("flow_run_now", flow=flow["id"], status="completed", seconds=0, records=3)
    letter, alert = world.told("commerce-pager", "CeligoFlowFailingRepeatedly", "resolved", **ids)
    assert alert["endsAt"] > alert["startsAt"]
    over = world.read("slack", "commerce-pager", FLOW, "(is over)")
    closed = world.read("pagerduty", "commerce-pager", "resolve", FLOW)
    print_received(letter, over, closed)
    assert closed["dedup_key"] == page["dedup_key"]


def test_a_connection_that_stays_offline_is_one_page_that_names_its_flows_and_tells_when_it_is_back(
    world: World,
) -> None:
    connection = world.known("connections", CONNECTION)
    ids = {"connection_id": connection["id"], "account": "acme"}
    incident = world.inject("connection_offline", connection=connection["id"])
    letter, alert = world.told("platform-pager", "CeligoConnectionNotRecovering", "firing", **ids)
    chat = world.read("slack", "platform-pager", "CRITICAL", CONNECTION)
    page = world.read("pagerduty", "platform-pager", "trigger", CONNECTION)
    print_received(letter, chat, page)

    said = alert["annotations"]
    assert said["summary"] == f"Connection {CONNECTION} stays offline"
    assert "enabled flows use it and wait, among them" in said["description"]
    assert said["runbook_url"].endswith("/docs/runbooks.md#celigoconnectionnotrecovering")
    assert said["link"] == f"https://integrator.io/connections/edit/connections/{connection['id']}"
    for text in (text_of(Letter("", chat, 0)), text_of(Letter("", page, 0))):
        for part in ("acme", CONNECTION, "among them", said["runbook_url"], said["link"]):
            assert part in text

    world.control("DELETE", f"/incidents/{incident}")
    letter, _ = world.told("platform-pager", "CeligoConnectionNotRecovering", "resolved", **ids)
    over = world.read("slack", "platform-pager", CONNECTION, "(is over)")
    print_received(letter, over)


def print_received(letter: Letter, *bodies: Any) -> None:
    """What the webhook received about, and what Slack and PagerDuty would show."""
    body = letter.body
    print(f"\n--- webhook {letter.path}: {body['status']}, {len(body['alerts'])} alerts, group {body['groupLabels']}")
    for alert in body["alerts"]:
        print(f"[{alert['status']}] {alert['labels']}\n{yaml.safe_dump(alert['annotations'], allow_unicode=True)}")
    for service in bodies:
        print(f"--- {'slack' if 'attachments' in service else 'pagerduty'}\n{text_of(Letter('', service, 0))}")
