"""Whether a record is assigned to somebody is read, and to whom is not kept."""

import json
from typing import Any

import msgspec
import pytest
import requests_mock

from exporter.api.endpoints import Endpoint
from exporter.api.models import Assigned, ErrorRecord
from tests.api.kit import BASE, LISTS, STEP_ERRORS_PATH, Kit

PERSON = {"_id": "5f1a2b3c4d5e6f7081920a02", "name": "Jane Doe", "email": "jane@example.com"}


def records(api: Kit, http: requests_mock.Mocker, *rows: dict[str, Any]) -> tuple[ErrorRecord, ...]:
    content = {"errors": [{"errorId": str(number), **row} for number, row in enumerate(rows)]}
    http.get(f"{BASE}{STEP_ERRORS_PATH}", text=json.dumps(content))
    listing = LISTS[Endpoint.STEP_ERRORS](api)
    assert not api.last.rejected
    return tuple(listing.rows)


@pytest.mark.parametrize(
    ("value", "assigned"),
    [
        ("5f1a2b3c4d5e6f7081920a02", 1),
        (PERSON, 1),
        (["5f1a2b3c4d5e6f7081920a02"], 1),
        (17, 1),
        (10**40, 1),
        (1.5, 1),
        (True, 1),
        ("", 0),
        (None, 0),
        ({}, 0),
        ([], 0),
        (False, 0),
    ],
    ids=repr,
)
def test_whatever_the_field_holds_it_says_yes_or_no_and_costs_no_record(
    api: Kit, http: requests_mock.Mocker, value: object, assigned: int
) -> None:
    (row,) = records(api, http, {"assignedTo": value})
    assert type(row.assigned) is Assigned
    assert row.assigned == assigned


def test_where_the_field_is_not_served_nothing_is_known(api: Kit, http: requests_mock.Mocker) -> None:
    (row,) = records(api, http, {"code": "422"})
    assert row.assigned is msgspec.UNSET


@pytest.mark.parametrize("value", [PERSON, "jane@example.com"], ids=["object", "text"])
def test_nothing_of_a_person_is_left_in_a_record(api: Kit, http: requests_mock.Mocker, value: object) -> None:
    (row,) = records(api, http, {"assignedTo": value})
    shown = repr(row) + msgspec.json.encode(row, enc_hook=repr).decode()
    assert not [word for word in ("jane", "Jane", "5f1a", "example.com") if word in shown]
    assert not hasattr(row.assigned, "__dict__")
