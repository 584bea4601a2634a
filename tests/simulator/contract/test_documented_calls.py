"""What docs/simulator.md tells to type works: each documented incident is accepted by a running simulator."""

import json
import re
from pathlib import Path

import pytest

from tests.simulator.contract.conftest import Account

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"
BODIES = re.findall(r"/incidents -d '(\{.*?\})'", PAGE.read_text(encoding="utf-8"))
NAMES_A_SAMPLE_OBJECT = {"flow", "integration", "connection", "agent"}


def test_the_page_shows_incidents_to_type() -> None:
    assert BODIES


@pytest.mark.parametrize("text", BODIES)
def test_a_documented_incident_is_accepted(text: str, account: Account) -> None:
    body = json.loads(text)
    for key in NAMES_A_SAMPLE_OBJECT & set(body):
        # The page names an object of its own account; here any object of that kind stands for it, by name.
        body[key] = account.api.rows(f"/v1/{key}s")[0]["name"]
    assert account.control.raw("POST", "/incidents", json=body).status_code == 201


OPTIONS: dict[str, object] = {"path": "/v1/flows", "method": "GET", "count": 2, "probability": 0.5}


def test_the_options_of_all_faults_are_the_documented_ones_and_accepted(account: Account) -> None:
    sentence = re.search(r"All take (.*?)\n\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert sentence
    documented = set(re.findall(r"`([a-z]+)`", sentence.group(1)))
    assert documented == set(OPTIONS)
    response = account.control.raw("POST", "/incidents", json={"kind": "status", "status": 503, **OPTIONS})
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("kind", ["huge", "gzip_bomb"])
def test_the_size_of_a_large_body_is_documented_by_its_name(kind: str, account: Account) -> None:
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if f"`{kind}`" in line)
    assert "`bytes`" in row
    assert account.control.raw("POST", "/incidents", json={"kind": kind, "bytes": 1000}).status_code == 201
