"""Faults that change the content of a true answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from exporter.simulator.identity import digest
from exporter.simulator.messages import NOTHING, Answer, Request
from exporter.simulator.paging import FOREIGN_HOST
from exporter.simulator.resources import JsonObject

_LISTS = ("errors", "resolved", "jobs", "stats", "flowErrors")
_IDS = frozenset({"_id", "_flowId", "_expOrImpId", "errorId", "_integrationId", "_userId"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T")

_OWN_IDS = ("_id", "errorId", "_expOrImpId", "_flowId")
"""What a row may be told by, the most particular first."""

Alteration = Callable[[Answer, Request], Answer]
Change = Callable[[JsonObject], JsonObject]


def _wrong_shape(answer: Answer, request: Request) -> Answer:
    del request
    if isinstance(answer.content, list):
        return replace(answer, content={"rows": answer.content})
    return Answer(200, [])


def _null_list(answer: Answer, request: Request) -> Answer:
    del request
    content = answer.content
    if isinstance(content, dict) and (name := next((key for key in _LISTS if key in content), None)):
        return replace(answer, content={name: None})
    return Answer(200, None)


def _loop(answer: Answer, request: Request) -> Answer:
    """Let the next page be this page, whose rows are always the first."""
    if answer.content is NOTHING or answer.status != 200:
        return answer
    target = request.target(after="loop")
    if isinstance(answer.content, dict) and any(key in answer.content for key in _LISTS):
        return replace(answer, content={**answer.content, "nextPageURL": target})
    headers = tuple(pair for pair in answer.headers if pair[0] != "Link")
    return replace(answer, headers=(*headers, ("Link", f'<{FOREIGN_HOST}{target}>; rel="next"')))


def _arranger(arrange: Callable[[list[object]], list[object]]) -> Alteration:
    """Return the alteration that puts `arrange(rows)` in place of an answer's rows."""

    def alter(answer: Answer, request: Request) -> Answer:
        del request
        content = answer.content
        if answer.status != 200:
            return answer
        if isinstance(content, list):
            return replace(answer, content=arrange(content))
        if not isinstance(content, dict):
            return answer
        lists = {key: rows for key in _LISTS if isinstance(rows := content.get(key), list)}
        return replace(answer, content={**content, **{key: arrange(rows) for key, rows in lists.items()}})

    return alter


def _duplicated(rows: list[object]) -> list[object]:
    """Return every row and a third of them, at least one, twice: next to each other or at the end."""
    # So many, whichever rows they are: full pages keep one size, by which a client tells the last one.
    count = max(1, len(rows) // 3)
    twice = set(sorted(range(len(rows)), key=lambda number: _hash_of("twice", rows[number]))[:count])
    page: list[object] = []
    last: list[object] = []
    for number, row in enumerate(rows):
        page.append(row)
        if number in twice:
            (page if _hash_of("where", row) % 2 else last).append(row)
    return page + last


def _shuffled(rows: list[object]) -> list[object]:
    """Return the rows in an order that their ids alone decide, and that is not the one they had."""
    mixed = sorted(rows, key=lambda row: _hash_of("order", row))
    return mixed if mixed != rows else mixed[::-1]


def _hash_of(purpose: str, row: object) -> int:
    # A row without an id of its own (statistics, error counts) is told by all it holds.
    own = next((row[key] for key in ("_id", "errorId") if key in row), None) if isinstance(row, dict) else None
    name = own if isinstance(own, str) else msgspec.json.encode(row).hex()
    return int.from_bytes(digest(0, purpose, name))


def _mangler(change: Change) -> Alteration:
    """Return the alteration that changes every row."""

    def alter(answer: Answer, request: Request) -> Answer:
        del request
        content = answer.content
        if isinstance(content, list):
            return replace(answer, content=[_changed(row, change) for row in content])
        if not isinstance(content, dict):
            return answer
        name = next((key for key in _LISTS if isinstance(content.get(key), list)), None)
        if name is None:
            return replace(answer, content=change(content))
        rows = content[name]
        assert isinstance(rows, list)  # noqa: S101 - for the type checker, true by the line above
        return replace(answer, content={**content, name: [_changed(row, change) for row in rows]})

    return alter


def _changed(row: object, change: Change) -> object:
    return change(row) if isinstance(row, dict) else row


def mangled_row(kind: str, row_id: str, answer: Answer, request: Request) -> Answer:
    """Return the answer with one row, told by its own id, mangled as `kind` (one of `MANGLED`) does."""

    def change(row: JsonObject) -> JsonObject:
        own = next((row[key] for key in _OWN_IDS if key in row), None)
        return MANGLED[kind](row) if own == row_id else row

    return _mangler(change)(answer, request)


def _without_ids(row: JsonObject) -> JsonObject:
    return {key: value for key, value in row.items() if key not in _IDS}


def _with_wrong_types(row: JsonObject) -> JsonObject:
    return {key: value if key in _IDS else _other_type(value) for key, value in row.items()}


def _other_type(value: object) -> object:
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, int | float):
        return {"value": value}
    if isinstance(value, str):
        return 42
    return "not a structure"


def _with_bad_dates(row: JsonObject) -> JsonObject:
    return {key: "yesterday" if isinstance(v, str) and _DATE.match(v) else v for key, v in row.items()}


def _with_numbers_as_strings(row: JsonObject) -> JsonObject:
    return {key: str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for key, v in row.items()}


MANGLED: Mapping[str, Change] = {
    "missing_ids": _without_ids,
    "wrong_types": _with_wrong_types,
    "bad_dates": _with_bad_dates,
    "numbers_as_strings": _with_numbers_as_strings,
}
"""Faults of single rows."""

ALTERATIONS: Mapping[str, Alteration] = {
    "wrong_shape": _wrong_shape,
    "null_list": _null_list,
    "loop": _loop,
    **{kind: _mangler(change) for kind, change in MANGLED.items()},
    "duplicated_rows": _arranger(_duplicated),
    "shuffled_rows": _arranger(_shuffled),
}
