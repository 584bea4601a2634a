"""The shipped example for Alertmanager is valid, holds no secret, names alerts that exist, and says what matters."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerting.alerts import shipped_alerts
from tests.e2e.alertmanager import EXAMPLE, example

SHOWN = Path(__file__).parents[2] / "alerts" / EXAMPLE.name
SECRETS = {
    *("routing_key", "service_key", "api_url", "slack_api_url", "password", "auth_password", "smtp_auth_password"),
    *("token", "api_key", "credentials", "smtp_auth_secret", "auth_secret"),
}


def test_amtool_has_nothing_to_say_about_it(amtool: str) -> None:
    checked = subprocess.run([amtool, "check-config", str(EXAMPLE)], capture_output=True, check=False, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS" in checked.stdout
    assert checked.stderr == ""


def test_the_one_to_read_is_the_one_in_the_package() -> None:
    assert SHOWN.read_bytes() == EXAMPLE.read_bytes()


def keys(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part
        for value in part.values():
            yield from keys(value)
    elif isinstance(part, list):
        for value in part:
            yield from keys(value)


def test_secrets_are_files_and_nothing_else() -> None:
    found = set(keys(example()))
    assert found & SECRETS == set()
    assert {"routing_key_file", "api_url_file", "smtp_auth_password_file"} <= found


def test_every_alert_it_names_is_shipped() -> None:
    named = set(re.findall(r"\bCeligo[A-Z]\w+(?!\w|\.\+)", EXAMPLE.read_text()))
    assert len(named) > 30
    assert named <= set(shipped_alerts())


def alert(number: int, status: str = "firing") -> dict[str, Any]:
    """An alert as Alertmanager hands it to a text; its flow has a name that means to call everybody."""
    return {
        "status": status,
        "labels": {"alertname": "CeligoErrorStorm", "severity": "critical", "account": "acme"},
        "annotations": {
            "summary": f"Flow <!channel> & Co {number} has many errors",
            "description": f"{number} errors came in 15 minutes.",
            "runbook_url": f"https://example.com/runbooks.md#{number}",
            "link": f"https://integrator.io/flows/{number}",
            "dashboard": f"https://grafana.example.com/d/celigo-flow?var-flow={number}",
        },
        "startsAt": "2026-03-01T12:00:00Z",
    }


def written(amtool: str, folder: Path, text: str, alerts: list[dict[str, Any]], kind: str = "text") -> str:
    """One of the example's texts about these alerts, as amtool writes it."""
    (folder / "text.tmpl").write_text(f'{{{{ define "text" }}}}{{{{ end }}}}{text}')
    common = {"account": "acme", "severity": "critical", "integration_name": "Shop & ERP"}
    status = "firing" if any(found["status"] == "firing" for found in alerts) else "resolved"
    given = {"receiver": "r", "status": status, "alerts": alerts, "commonLabels": common}
    (folder / "data.json").write_text(json.dumps(given))
    command = [amtool, "template", "render", f"--template.glob={folder}/text.tmpl", f"--template.type={kind}"]
    command += [f"--template.text={text}", f"--template.data={folder}/data.json"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def config_of(receiver: str, service: str) -> dict[str, Any]:
    (found,) = [entry for entry in example()["receivers"] if entry["name"] == receiver]
    config: dict[str, Any] = found[service][0]
    return config


PLACES = {
    "chat": ("platform-chat", "slack_configs", ("text",)),
    "e-mail": ("platform-digest", "email_configs", ("text",)),
    "e-mail in HTML": ("platform-digest", "email_configs", ("html",)),
    "page": ("platform-pager", "pagerduty_configs", ("details", "alerts")),
}


@pytest.mark.parametrize(("receiver", "service", "path"), PLACES.values(), ids=list(PLACES))
def test_each_alert_has_its_summary_description_runbook_and_link(
    amtool: str, tmp_path: Path, receiver: str, service: str, path: tuple[str, ...]
) -> None:
    text: Any = config_of(receiver, service)
    for key in path:
        text = text[key]
    html = path[-1] == "html"
    said = written(amtool, tmp_path, text, [alert(1), alert(2, "resolved")], "html" if html else "text")
    print(said)
    for number in (1, 2):
        for part in (
            f"Co {number} has",
            f"{number} errors came",
            f"runbooks.md#{number}",
            f"integrator.io/flows/{number}",
            f"d/celigo-flow?var-flow={number}",
        ):
            assert part in said
    assert said.count("over") == 1
    assert ("<!channel>" in said) == (not html and receiver != "platform-chat")


def test_a_chat_message_about_forty_alerts_names_all_and_explains_ten(amtool: str, tmp_path: Path) -> None:
    text = config_of("platform-chat", "slack_configs")["text"]
    said = written(amtool, tmp_path, text, [alert(number) for number in range(40)])
    assert (said.count("has many errors"), said.count("|Runbook>"), said.count("errors came")) == (40, 40, 10)


def test_titles_count_what_is_wrong_and_name_where(amtool: str, tmp_path: Path) -> None:
    chat, page = config_of("platform-chat", "slack_configs"), config_of("platform-pager", "pagerduty_configs")
    firing = [alert(1), alert(2)]
    title = written(amtool, tmp_path, chat["title"], firing).strip()
    over = written(amtool, tmp_path, chat["title"], [alert(1, "resolved")]).strip()
    assert (title, over) == (
        "CRITICAL: 2 in Shop &amp; ERP, account acme",
        "Over: 1 in Shop &amp; ERP, account acme",
    )
    assert written(amtool, tmp_path, chat["color"], firing).strip() == "danger"
    assert (
        written(amtool, tmp_path, page["description"], firing).strip().endswith("has many errors and others, 2 in all")
    )
