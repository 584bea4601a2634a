"""Rows: what the contract shows can be read, and what is sensitive has no place."""

from collections.abc import Iterator

import msgspec
import pytest

from exporter.api import models
from exporter.api.models import Row

SENSITIVE = {
    "message",
    "traceKey",
    "retryDataKey",
    "reqAndResKey",
    "assignedTo",
    "exportDataURI",
    "importDataURI",
    "tags",
    "email",
    "canceledBy",
    "triggeredBy",
    "mockOutput",
    "mockResponse",
    "rawData",
    "http",
    "rdbms",
    "netsuite",
    "files",
    "description",
    "settings",
    "byUser",
    "fieldChange",
    "subscribedByUser",
    "purgedBy",
    "oIndex",
    "password",
    "token",
}


def rows(root: type[Row] = Row) -> Iterator[type[Row]]:
    for row in root.__subclasses__():
        yield row
        yield from rows(row)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.__name__)
def test_no_row_has_a_place_for_a_sensitive_field(row: type[Row]) -> None:
    read = {field.encode_name for field in msgspec.structs.fields(row)} | {
        field.name for field in msgspec.structs.fields(row)
    }
    assert read.isdisjoint(SENSITIVE)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.__name__)
def test_rows_cannot_be_changed(row: type[Row]) -> None:
    config = row.__struct_config__
    assert config.frozen
    assert not config.forbid_unknown_fields


def test_there_is_a_row_for_every_listing() -> None:
    assert {row.__name__ for row in rows()} >= {
        "TokenInfo",
        "Integration",
        "Flow",
        "Step",
        "Connection",
        "Job",
        "FlowErrorCount",
        "StepErrorCount",
        "ErrorRecord",
    }


def test_an_instant_is_a_number_of_seconds() -> None:
    assert models.Instant(12.5) == 12.5
