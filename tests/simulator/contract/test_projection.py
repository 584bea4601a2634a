"""`include` and `exclude` (contract 1.7): bytes are saved, payload fields stay, both together are refused."""

from typing import Any

import pytest

from tests.simulator.contract.client import Api

PROJECTED = ["/v1/integrations", "/v1/flows", "/v1/connections", "/v1/exports", "/v1/imports", "/v1/agents"]
PAYLOAD = {"mockOutput", "mockResponse", "rawData"}


@pytest.mark.parametrize("path", PROJECTED)
def test_include_gives_id_name_adaptor_type_and_the_named_fields_only(path: str, api: Api) -> None:
    for row in api.rows(path, include="createdAt"):
        always = {"_id", "name", "createdAt"} | ({"adaptorType"} if path in {"/v1/exports", "/v1/imports"} else set())
        assert set(row) - PAYLOAD <= always
        assert {"_id", "createdAt"} <= set(row)


@pytest.mark.parametrize("path", ["/v1/exports", "/v1/imports"])
def test_adaptor_type_is_always_there(path: str, api: Api) -> None:
    assert all(row["adaptorType"] for row in api.rows(path, include="_connectionId"))


@pytest.mark.parametrize("path", PROJECTED)
def test_exclude_leaves_out_the_named_fields_only(path: str, api: Api) -> None:
    whole = {row["_id"]: row for row in api.rows(path)}
    for row in api.rows(path, exclude="createdAt,lastModified"):
        assert row.keys() - PAYLOAD == whole[row["_id"]].keys() - {"createdAt", "lastModified"} - PAYLOAD


@pytest.mark.parametrize("path", PROJECTED)
def test_include_with_exclude_is_400_invalid_query_params(path: str, api: Api) -> None:
    response = api.call("GET", path, params={"include": "name", "exclude": "createdAt"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "invalid_query_params"


@pytest.mark.parametrize("fields", ["name;_id", "name createdAt", "na/me", "$where", "naïve", "name[]"])
@pytest.mark.parametrize("parameter", ["include", "exclude"])
def test_a_character_outside_the_allowed_set_is_400_invalid_query_params(parameter: str, fields: str, api: Api) -> None:
    response = api.call("GET", "/v1/flows", params={parameter: fields})
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "invalid_query_params"


def test_a_dotted_name_reaches_into_a_block(api: Api) -> None:
    rows = api.rows("/v1/connections", include="type,rdbms.type")
    inner = [row["rdbms"] for row in rows if "rdbms" in row]
    assert inner
    assert all(set(block) == {"type"} for block in inner)


def test_an_unknown_field_name_is_no_error(api: Api) -> None:
    assert all(set(row) <= {"_id", "name"} for row in api.rows("/v1/flows", include="noSuchField"))


def test_projection_does_not_remove_mock_output_from_exports(api: Api) -> None:
    assert any("mockOutput" in row for row in api.rows("/v1/exports", include="name,adaptorType,_connectionId"))
    assert any("mockOutput" in row for row in api.rows("/v1/exports", exclude="mockOutput"))


def test_mock_output_holds_something_that_looks_personal(api: Api) -> None:
    outputs = [str(row["mockOutput"]) for row in api.rows("/v1/exports") if "mockOutput" in row]
    assert any("@" in text for text in outputs)


def test_projection_is_ignored_on_a_flow_by_id(api: Api) -> None:
    flow = api.get("/v1/flows")[0]
    assert api.get(f"/v1/flows/{flow['_id']}", include="name") == api.get(f"/v1/flows/{flow['_id']}")


def _strings_under_secret_keys(value: Any) -> list[str]:
    """Every string whose key says that it is a credential."""
    if isinstance(value, list):
        return [found for item in value for found in _strings_under_secret_keys(item)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for key, item in value.items():
        secret = any(word in key.lower() for word in ("password", "secret", "token", "apikey", "privatekey"))
        found += [item] if secret and isinstance(item, str) else _strings_under_secret_keys(item)
    return found


def test_credentials_in_connections_are_there_and_masked(api: Api) -> None:
    found = _strings_under_secret_keys(api.rows("/v1/connections"))
    assert found
    assert set(found) == {"******"}


def test_unknown_query_parameters_are_ignored(api: Api) -> None:
    plain = api.get("/v1/flows")
    assert api.get("/v1/flows", includeErrorCounts="true", integrationId="x", flow_id="y") == plain
