"""Generated requests from the OpenAPI file against the live simulator: nothing may crash or leave the contract.

Real ids and instants are mixed into the generated ones; without that nearly every path would end in 404. The run is
derandomised and small. Checks of schemathesis that are left out, and why:

* `negative_data_rejection`: by contract unknown query parameters are ignored, not refused.
* `positive_data_acceptance`: valid ids of nothing are 404 and a jobs list without a needed filter is 400.
* `missing_required_header`, `ignored_auth`, `unsupported_method`: test_auth.py asks exactly that, once.
* `allow_header_conformance`, `use_after_free`, `ensure_resource_availability`, `object_level_authorization`: the
  contract knows no `Allow` header, nothing is created, there is one user.

`status_code_conformance` can hardly fail while every operation has a `default` answer; it is kept for the day this
changes.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.simulator.contract import openapi
from tests.simulator.contract.account import Sample, explore
from tests.simulator.contract.conftest import TOKEN, Account, Launch

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
POSITIVE, NEGATIVE = 12, 8
OPERATIONS = [operation.operation_id for operation in openapi.operations()]


@pytest.fixture(scope="module")
def target(launch: Launch) -> Iterator[Account]:
    with launch(flows=24, page_size=3, job_page_size=20) as account:
        yield account


@pytest.fixture(scope="module")
def enriched(target: Account) -> OpenApiSchema:
    """The contract with real ids and readable instants as likely values of its own open types."""
    document = _with_likely_values(explore(target.api, target.control.now()))
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=target.simulator.url)
    return schema


def _with_likely_values(sample: Sample) -> dict[str, Any]:
    document = copy.deepcopy(openapi.document())
    schemas = document["components"]["schemas"]
    ids = [sample.failing_flow, sample.failing_step, sample.job_id, sample.failing_integration]
    likely = {
        "ObjectId": ids,
        "IntegrationRef": [sample.failing_integration, "none"],
        "Timestamp": ["2026-08-29", "2026-08-29T09:00:00Z", "2026-08-29T09:00:00.000Z", "1787990000000"],
    }
    for name, values in likely.items():
        schemas[name] = {"anyOf": [{"type": "string", "enum": values}, schemas[name]]}
    return document


def _run(strategy: st.SearchStrategy[Case[Any]], examples: int, session: requests.Session) -> int:
    """Send generated cases and judge every answer; how many answers were 2xx."""
    good = 0

    @seed(1)
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: Case[Any]) -> None:
        nonlocal good
        response = case.call(session=session, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        case.validate_response(response, checks=CHECKS)
        good += response.status_code < 300

    send()
    return good


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_valid_requests_get_answers_of_the_contract(
    operation_id: str, enriched: OpenApiSchema, session: requests.Session
) -> None:
    operation = enriched.find_operation_by_id(operation_id)
    good = _run(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), POSITIVE, session)
    assert good or "{" in operation.path


@pytest.mark.parametrize(
    "operation_id", [op.operation_id for op in openapi.operations() if op.operation_id != "getTokenInfo"]
)
def test_invalid_requests_get_answers_of_the_contract(
    operation_id: str, enriched: OpenApiSchema, session: requests.Session
) -> None:
    operation = enriched.find_operation_by_id(operation_id)
    _run(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), NEGATIVE, session)
