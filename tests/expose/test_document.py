"""One document of all accounts, made once per change and served to any number of scrapers."""

import gzip
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from exporter.expose import catalogue, document
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.document import Body, Documents, join
from exporter.expose.families import Family, Scope
from exporter.expose.render import Format, header
from tests.clocks import ManualClock, run_together
from tests.expose.kit import ACME, Meeting, every_family, example, library, parsed_families

FORMATS = pytest.mark.parametrize("fmt", list(Format), ids=lambda fmt: fmt.name.lower())
OTHER = Scope("other", "sandbox")


class Account:
    """Blocks as a test sets them."""

    def __init__(self, scope: Scope = ACME) -> None:
        self.scope = scope
        self._versions = 0
        self._blocks: dict[str, RenderedBlock] = {}

    def set(self, collector: str, *families: Family) -> None:
        """Replace the block of a collector; without families it vanishes."""
        self._versions += 1
        self._blocks.pop(collector, None)
        if families:
            self._blocks[collector] = render_block(collector, self._versions, families, self.scope, 0.0)

    def swap(self, number: int) -> None:
        """Replace everything at once by two families that both have the value `number`."""
        held = [
            example(metric, ("f",), float(number)) for metric in (catalogue.ACTIVE_RUNS, catalogue.FLOW_OPEN_ERRORS)
        ]
        self._blocks = {"jobs": render_block("jobs", number, held, self.scope, 0.0)}

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        assert now > 0
        return tuple(self._blocks.values())


@pytest.fixture
def acme() -> Account:
    account = Account()
    account.set("inventory", example(catalogue.FLOW_ENABLED, ("f1", "f2")), example(catalogue.INTEGRATION_INFO))
    account.set("jobs", example(catalogue.FLOW_RUNS_TOTAL, ("f1",)))
    return account


class Process:
    """Blocks that never change."""

    def __init__(self, blocks: tuple[RenderedBlock, ...]) -> None:
        self._blocks = blocks

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        del now
        return self._blocks


def documents(*accounts: Account, process: Sequence[RenderedBlock] = ()) -> Documents:
    return Documents([*([Process(tuple(process))] if process else []), *accounts], ManualClock())


def body_of(held: Documents, selection: frozenset[str] | None = None, fmt: Format = Format.TEXT) -> Body:
    return held.content(selection, fmt, compressed=False)


def text_of(held: Documents, selection: frozenset[str] | None = None, fmt: Format = Format.TEXT) -> bytes:
    return body_of(held, selection, fmt).content


def families_in(document: bytes) -> list[str]:
    return [line.split()[2].decode() for line in document.splitlines() if line.startswith(b"# TYPE")]


@FORMATS
def test_a_document_is_what_the_library_would_write(fmt: Format) -> None:
    account = Account()
    account.set("all", *every_family())
    assert text_of(documents(account), fmt=fmt) == library(list(every_family()), fmt)


def test_families_stand_in_the_order_of_the_catalogue_whatever_the_order_of_blocks() -> None:
    account = Account()
    account.set("b", *reversed([example(metric) for metric in CATALOGUE[::2]]))
    account.set("a", *reversed([example(metric) for metric in CATALOGUE[1::2]]))
    assert families_in(text_of(documents(account))) == [metric.name for metric in CATALOGUE]


def test_accounts_share_one_header_per_family() -> None:
    acme, other = Account(ACME), Account(OTHER)
    for account in (acme, other):
        account.set("inventory", example(catalogue.FLOW_ENABLED, ("f1",)))
    assert text_of(documents(acme, other)) == header(catalogue.FLOW_ENABLED, Format.TEXT) + (
        b'celigo_flow_enabled{account="acme",environment="production",flow_id="flow_id-f1"} 1.0\n'
        b'celigo_flow_enabled{account="other",environment="sandbox",flow_id="flow_id-f1"} 1.0\n'
    )


@pytest.mark.parametrize("present", [(True, False), (False, True)], ids=["first", "second"])
def test_a_family_that_only_one_account_has_is_in_the_document(present: tuple[bool, bool]) -> None:
    accounts = [Account(ACME), Account(OTHER)]
    for account, has in zip(accounts, present, strict=True):
        if has:
            account.set("inventory", example(catalogue.FLOW_ENABLED))
    assert families_in(text_of(documents(*accounts))) == ["celigo_flow_enabled"]


def test_without_anything_known_the_document_is_empty_and_still_valid() -> None:
    assert text_of(documents(Account())) == b""
    assert text_of(documents(), fmt=Format.OPENMETRICS) == b"# EOF\n"


def test_what_belongs_to_no_account_is_in_the_document_once(acme: Account) -> None:
    process = render_block(OWN_COLLECTOR, 0, [example(catalogue.UP, ("a",))], None, 0.0)
    document = text_of(documents(acme, Account(OTHER), process=[process]))
    assert document.count(b"\nceligo_up 1.0\n") == 1


@FORMATS
def test_a_document_can_be_read_by_a_parser(fmt: Format, acme: Account) -> None:
    document = text_of(documents(acme), fmt=fmt).decode()
    parsed = parsed_families(document, fmt)
    assert {family.type for family in parsed} == {"gauge", "counter"}
    assert sum(len(family.samples) for family in parsed) == 5


@FORMATS
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_any_number_of_scrapers_gets_the_same_bytes_object(acme: Account, fmt: Format, *, compressed: bool) -> None:
    held = documents(acme)
    first = held.content(None, fmt, compressed=compressed)
    assert all(held.content(None, fmt, compressed=compressed) is first for _ in range(20))


def test_a_change_makes_a_new_document(acme: Account) -> None:
    held = documents(acme)
    before = body_of(held)
    acme.set("jobs", example(catalogue.FLOW_RUNS_TOTAL, ("f1", "f9")))
    after = body_of(held)
    assert b"f9" not in before.content
    assert b"f9" in after.content
    assert body_of(held) is after


def test_a_block_that_vanishes_leaves_the_document(acme: Account) -> None:
    held = documents(acme)
    assert "celigo_flow_runs_total" in families_in(text_of(held))
    acme.set("jobs")
    assert "celigo_flow_runs_total" not in families_in(text_of(held))


@FORMATS
def test_gzip_holds_the_same_document(acme: Account, fmt: Format) -> None:
    held = documents(acme)
    plain = held.content(None, fmt, compressed=False)
    packed = held.content(None, fmt, compressed=True)
    assert gzip.decompress(packed.content) == plain.content
    assert (plain.encoding, packed.encoding) == (None, "gzip")
    assert plain.content_type == packed.content_type == fmt.content_type


def test_equal_documents_are_compressed_to_equal_bytes(acme: Account) -> None:
    one, two = (documents(acme).content(None, Format.TEXT, compressed=True).content for _ in range(2))
    assert one == two
    assert one[4:8] == bytes(4), "the time of compressing"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (None, {"celigo_flow_enabled", "celigo_integration_info", "celigo_flow_runs_total", "celigo_up"}),
        ({"jobs"}, {"celigo_flow_runs_total"}),
        ({"inventory"}, {"celigo_flow_enabled", "celigo_integration_info"}),
        ({"inventory", "jobs"}, {"celigo_flow_enabled", "celigo_integration_info", "celigo_flow_runs_total"}),
        ({OWN_COLLECTOR}, {"celigo_up"}),
        ({"connections"}, set()),
        (set(), set()),
    ],
    ids=["all", "jobs", "inventory", "two", "exporter", "nothing-known", "none"],
)
def test_a_selection_gets_the_families_of_its_collectors(
    acme: Account, selection: set[str] | None, expected: set[str]
) -> None:
    process = render_block(OWN_COLLECTOR, 0, [example(catalogue.UP, ("a",))], None, 0.0)
    held = documents(acme, process=[process])
    chosen = None if selection is None else frozenset(selection)
    assert set(families_in(text_of(held, chosen))) == expected


def test_a_selection_is_not_made_anew_when_something_else_changes(acme: Account) -> None:
    held = documents(acme)
    before = body_of(held, frozenset({"inventory"}))
    acme.set("jobs", example(catalogue.FLOW_RUNS_TOTAL, ("f9",)))
    assert body_of(held, frozenset({"inventory"})) is before


def test_documents_are_kept_for_a_bounded_number_of_selections(acme: Account) -> None:
    held = documents(acme)
    first = body_of(held, frozenset({"jobs"}))
    for number in range(50):
        text_of(held, frozenset({"jobs", f"unknown-{number}"}))
    again = body_of(held, frozenset({"jobs"}))
    assert again == first
    assert again is not first


def test_a_plain_document_lasts_as_long_as_somebody_holds_it(acme: Account) -> None:
    held = documents(acme)
    body = weakref.ref(body_of(held))
    assert body() is None
    lent = body_of(held)
    assert body_of(held) is lent


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_scrapers_that_come_together_share_one_document(
    acme: Account, monkeypatch: pytest.MonkeyPatch, *, compressed: bool
) -> None:
    meeting, join_it = Meeting(), document.join

    def join_together(*args: Any, **options: Any) -> bytes:
        meeting.visit()
        return join_it(*args, **options)

    monkeypatch.setattr(document, "join", join_together)
    held = documents(acme)
    seen: list[Body] = []
    run_together(ManualClock(), [lambda: seen.append(held.content(None, Format.TEXT, compressed=compressed))] * 8)
    assert len({id(body) for body in seen}) == 1
    assert (meeting.visits, meeting.met) == (1, False)


def test_scrapers_see_each_change_as_a_whole_and_never_an_older_one() -> None:
    account = Account()
    account.swap(0)
    held = documents(account)

    def change() -> None:
        for number in range(1, 200):
            account.swap(number)

    def read() -> None:
        seen = []
        for _ in range(200):
            values = {line.split()[-1] for line in text_of(held).splitlines() if not line.startswith(b"#")}
            assert len(values) == 1
            seen.append(float(values.pop()))
        assert seen == sorted(seen)

    run_together(ManualClock(), [change, read, read, read])


@FORMATS
def test_joining_nothing_is_just_the_end(fmt: Format) -> None:
    assert join([], fmt, compressed=False) == fmt.end
