"""Rows: what the contract shows can be read, and what is sensitive has no place."""

from collections.abc import Iterator

import msgspec
import pytest

from exporter.api import models
from exporter.api.decode import RowDecoder, decode_rows
from exporter.api.endpoints import Endpoint
from exporter.api.models import CONNECTION_BLOCKS, Connection, ConnectionBlock, Row

SENSITIVE = {
    "message",
    "traceKey",
    "retryDataKey",
    "reqAndResKey",
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
    places = [field for field in msgspec.structs.fields(row) if field.type != ConnectionBlock | None]
    assert {name for field in places for name in (field.encode_name, field.name)}.isdisjoint(SENSITIVE)


BLOCKS: dict[str, tuple[object, int | None]] = {
    "a number": ({"host": "erp.internal", "password": "hunter2", "concurrencyLevel": 5}, 5),
    "zero": ({"concurrencyLevel": 0}, 0),
    "nothing": ({"host": "erp.internal", "auth": {"token": "hunter2"}}, None),
    "null": ({"concurrencyLevel": None}, None),
    "text": ({"concurrencyLevel": "hunter2"}, None),
    "a switch": ({"concurrencyLevel": True}, None),
    "a part": ({"concurrencyLevel": 1.5}, None),
    "less than nothing": ({"concurrencyLevel": -1}, None),
    "more than is exact": ({"concurrencyLevel": 2**60}, None),
    "a mapping": ({"concurrencyLevel": {"password": "hunter2"}}, None),
    "an empty block": ({}, None),
    "no block": (None, None),
    "a block that is text": ("svc:hunter2@erp.internal", None),
    "a block that is a list": (["hunter2", {"host": "erp.internal"}], None),
    "a block that is a number": (7, None),
}


@pytest.mark.parametrize("kind", CONNECTION_BLOCKS)
@pytest.mark.parametrize(("block", "expected"), BLOCKS.values(), ids=BLOCKS.keys())
def test_of_a_connections_block_nothing_but_a_whole_number_is_kept(
    kind: str, block: object, expected: int | None
) -> None:
    content = [{"_id": "62f0", "type": kind, kind: block}]
    rows = decode_rows(msgspec.json.encode(content), RowDecoder(Connection), Endpoint.CONNECTIONS)
    assert not rows.rejected
    (row,) = rows.rows
    assert row.concurrency == expected
    assert {name: getattr(row, kind).concurrency for name in (kind,) if block is not None} == (
        {} if block is None else {kind: expected}
    )
    for referent in reachable(row):
        assert "hunter2" not in str(referent)
        assert "erp.internal" not in str(referent)


@pytest.mark.parametrize("kind", [None, "", "id", "offline", "unheard-of", "__class__"])
def test_a_block_of_another_type_tells_nothing(kind: str | None) -> None:
    content = [{"_id": "62f0", "type": kind, "http": {"concurrencyLevel": 5}}]
    (row,) = decode_rows(msgspec.json.encode(content), RowDecoder(Connection), Endpoint.CONNECTIONS).rows
    assert row.concurrency is None


def reachable(root: object) -> Iterator[object]:
    """Everything that can be got at from a row, by its fields and slots."""
    yield root
    names = [*getattr(root, "__struct_fields__", ()), *getattr(type(root), "__slots__", ())]
    assert not hasattr(root, "__dict__")
    for name in names:
        yield from reachable(getattr(root, name))


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
        "Agent",
        "AuditEntry",
        "Notification",
        "License",
        "EntitlementUsage",
        "StepJob",
        "RunStats",
    }


def test_an_instant_is_a_number_of_seconds() -> None:
    assert models.Instant(12.5) == 12.5
