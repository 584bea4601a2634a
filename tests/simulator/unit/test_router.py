"""Which template a path belongs to."""

import pytest

from exporter.simulator.router import ROUTES, TEMPLATES, Router

ID, STEP = "a" * 24, "b" * 24


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/tokenInfo", "/v1/tokenInfo"),
        (f"/v1/flows/{ID}", "/v1/flows/{flowId}"),
        (f"/v1/flows/{ID}/errors", "/v1/flows/{flowId}/errors"),
        (f"/v1/flows/{ID}/{STEP}/errors", "/v1/flows/{flowId}/{stepId}/errors"),
        (f"/v1/flows/{ID}/{STEP}/resolved", "/v1/flows/{flowId}/{stepId}/resolved"),
        (f"/v1/flows/{ID}/jobs/latest", "/v1/flows/{flowId}/jobs/latest"),
        ("/v1/flows/runs/stats", "/v1/flows/runs/stats"),
        ("/v1/jobs/current", "/v1/jobs/current"),
        (f"/v1/jobs/{ID}", "/v1/jobs/{jobId}"),
        ("/v1/integrations/none/errors", "/v1/integrations/{integrationId}/errors"),
    ],
)
def test_a_path_belongs_to_the_most_literal_template(path: str, template: str) -> None:
    match = Router().match(path)
    assert match is not None
    assert match.route.template == template


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/v1", "/v1/", "/v1/flows/", "v1/flows", "/v2/flows", "/v1/FLOWS", f"/v1/connections/{ID}/ping",
        f"/v1/connections/{ID}/debug", f"/v1/agents/{ID}/display-token", f"/v1/flows/{ID}/exports/{STEP}/errors",
        f"/v1/jobs/{ID}/cancel", f"/v1/connections/{ID}/debuglog",
    ],
)  # fmt: skip
def test_what_the_contract_does_not_offer_is_unknown(path: str) -> None:
    assert Router().match(path) is None


def test_place_holders_are_filled() -> None:
    match = Router().match(f"/v1/flows/{ID}/{STEP}/errors")
    assert match is not None
    assert dict(match.params) == {"flowId": ID, "stepId": STEP}


def test_templates_are_unique_and_only_two_take_a_post() -> None:
    assert len(TEMPLATES) == len(set(TEMPLATES))
    posts = {route.template for route in ROUTES if "POST" in route.handlers}
    assert posts == {"/v1/flows/runs/stats", "/v1/jobs/current"}
    assert {method for route in ROUTES for method in route.handlers} == {"GET", "POST"}
