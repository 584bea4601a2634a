"""Each entry of the audit log from the first sight on is counted once, whatever the order, the bound and the clock."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.errors import ApiError, ServerError, UnexpectedShape
from exporter.api.models import Instant
from exporter.api.models_governance import AuditEntry
from exporter.api.refresh import Refresh
from exporter.collect import audit
from exporter.collect.audit import (
    AUDIT_BLOCK,
    EVENTS,
    MAX_KEYS,
    OVERLAP,
    PAGES_PER_WINDOW,
    RESOURCE_TYPES,
    SOURCES,
    ZEROES,
    AuditCounts,
    AuditReader,
    labels_of,
)
from tests.clocks import EPOCH, ManualClock
from tests.collect.exposition import lines
from tests.collect.governance_client import Arrange, GovernanceClient, newest_first

BROKEN = ServerError("/v1/audit", status=500)


def oldest_first(rows: list[AuditEntry]) -> list[AuditEntry]:
    return newest_first(rows)[::-1]


def mixed(rows: list[AuditEntry]) -> list[AuditEntry]:
    return random.Random(len(rows)).sample(rows, len(rows))


ORDERS = pytest.mark.parametrize("order", [newest_first, oldest_first, mixed], ids=lambda order: order.__name__)


@dataclass
class Trail:
    """An account whose audit log is read when a test says so."""

    client: GovernanceClient = field(default_factory=GovernanceClient)
    reader: AuditReader = field(init=False)
    refresh: Refresh = field(init=False)

    def __post_init__(self) -> None:
        self.reader = AuditReader(self.client)

    @property
    def clock(self) -> ManualClock:
        return self.client.clock

    def read(self) -> int:
        """One run; the number of entries counted so far."""
        self.refresh = Refresh(self.clock, self.clock.monotonic() + 300)
        self.reader.read(self.refresh)
        return self.counted

    def fails(self, kind: type[ApiError] = ServerError) -> None:
        with pytest.raises(kind):
            self.read()

    @property
    def counted(self) -> int:
        return 0 if self.reader.counts is None else sum(self.reader.counts.counts.values())

    def pass_and_happen(self, seconds: float, *names: str) -> None:
        """Time passes, then entries are made at one instant."""
        self.clock.advance(seconds)
        for name in names:
            self.client.happen(name)


@pytest.fixture
def trail() -> Trail:
    """One that was seen for the first time a minute ago."""
    trail = Trail()
    trail.read()
    trail.clock.advance(60)
    return trail


class TestFirstSight:
    def test_history_is_never_counted(self) -> None:
        trail = Trail()
        for age in (0, 1, 599, 601, 86_400):
            trail.client.happen(f"{age}", at=EPOCH - age)
        assert trail.read() == 0
        assert trail.read() == 0

    def test_what_happens_afterwards_is(self) -> None:
        trail = Trail()
        trail.read()
        trail.client.happen("in the same instant")
        assert trail.read() == 1
        trail.pass_and_happen(1, "later")
        assert trail.read() == 2

    def test_history_that_appears_late_is_not(self) -> None:
        trail = Trail()
        trail.read()
        trail.client.happen("late", at=EPOCH - 1)
        trail.client.happen("new")
        assert trail.read() == 1

    def test_it_is_the_first_reading_that_succeeds(self) -> None:
        trail = Trail()
        trail.client.failing["audit_pages"] = BROKEN
        trail.fails()
        trail.pass_and_happen(300, "before")
        del trail.client.failing["audit_pages"]
        assert trail.read() == 0

    @pytest.mark.parametrize("skew", [3.0, 7200.0, -3.0, -7200.0])
    def test_a_clock_that_is_wrong_until_the_first_answer_neither_counts_history_nor_misses_anything(
        self, skew: float
    ) -> None:
        trail = Trail(GovernanceClient(skew=skew))
        trail.client.happen("history", at=EPOCH - 5)
        assert trail.read() == 0
        trail.pass_and_happen(1, "new")
        assert trail.read() == 1


class TestCounting:
    def test_an_entry_that_is_listed_in_many_runs_counts_once(self, trail: Trail) -> None:
        trail.pass_and_happen(10, "a")
        assert [trail.read() for _ in range(3)] == [1, 1, 1]
        trail.clock.advance(3600)
        assert trail.read() == 1

    def test_entries_of_one_instant_count_each(self, trail: Trail) -> None:
        trail.client.happen("a")
        assert trail.read() == 1
        trail.client.happen("b")
        trail.client.happen("c")
        assert trail.read() == 3

    @pytest.mark.parametrize(("late", "counted"), [(0.5, 2), (OVERLAP, 2), (OVERLAP + 0.5, 1)])
    def test_an_entry_that_appears_late_counts_up_to_the_overlap(self, trail: Trail, late: float, counted: int) -> None:
        trail.clock.advance(3600)
        newest = trail.client.happen("newest")
        trail.read()
        trail.client.happen("late", at=newest.time - late)
        assert trail.read() == counted

    def test_an_entry_that_is_listed_twice_in_one_answer_counts_once(self, trail: Trail) -> None:
        trail.client.log = [trail.client.happen("a")] * 3
        assert trail.read() == 1

    def test_an_entry_from_the_future_counts_once_and_hides_none_that_comes_before_it(self, trail: Trail) -> None:
        trail.client.happen("ahead", at=trail.clock.time() + 90_000)
        assert trail.read() == 1
        for number in range(30):
            trail.pass_and_happen(3600, f"{number}")
            assert trail.read() == number + 2

    @pytest.mark.parametrize("skew", [900.0, 86_400.0, -900.0])
    def test_a_clock_that_stays_wrong_misses_nothing_after_the_instant_it_took_for_the_first(self, skew: float) -> None:
        trail = Trail(GovernanceClient(skew=skew, skew_lasts=True))
        trail.read()
        trail.clock.advance(max(0.0, skew))
        for number in range(5):
            trail.pass_and_happen(300, f"{number}")
            assert trail.read() == number + 1

    def test_the_watermark_never_goes_back(self, trail: Trail) -> None:
        trail.pass_and_happen(3600, "a")
        trail.read()
        assert trail.reader.counts is not None
        before = trail.reader.counts.watermark
        trail.client.log.clear()
        trail.read()
        assert trail.reader.counts.watermark == before

    def test_a_quiet_account_keeps_no_ids_but_those_of_the_overlap(self, trail: Trail) -> None:
        for number in range(50):
            trail.pass_and_happen(300, f"{number}")
            trail.read()
        assert trail.reader.counts is not None
        assert set(trail.reader.counts.seen) == {"47", "48", "49"}
        assert trail.counted == 50

    def test_more_ids_than_are_kept_shorten_the_overlap_and_count_nothing_twice(
        self, trail: Trail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit, "MAX_SEEN", 10)
        for number in range(40):
            trail.pass_and_happen(1, f"{number}", f"{number} again")
        assert trail.read() == 80
        assert trail.reader.counts is not None
        assert len(trail.reader.counts.seen) <= 10
        assert trail.read() == 80
        trail.pass_and_happen(1, "next")
        assert trail.read() == 81

    def test_counts_that_were_kept_elsewhere_go_on(self, trail: Trail) -> None:
        trail.client.happen("a")
        trail.read()
        later = Trail(trail.client)
        later.reader = AuditReader(trail.client, trail.reader.counts)
        trail.pass_and_happen(7200, "while it was away")
        assert later.read() == 2


class TestFailures:
    def test_a_failure_counts_nothing_and_the_next_run_everything(self, trail: Trail) -> None:
        trail.client.page_size = 1
        trail.pass_and_happen(1, "a", "b", "c")
        trail.client.pages_left = 2
        trail.fails()
        assert trail.counted == 0
        trail.client.pages_left = None
        assert trail.read() == 3

    def test_an_answer_of_which_no_row_can_be_read_is_a_failure(self, trail: Trail) -> None:
        trail.client.unreadable = 3
        trail.fails(UnexpectedShape)

    def test_a_row_that_cannot_be_read_costs_itself_alone(self, trail: Trail) -> None:
        trail.client.unreadable = 1
        trail.client.happen("a")
        assert trail.read() == 1


def fill(trail: Trail, count: int, seconds: float) -> None:
    """Entries spread over some time."""
    for number in range(count):
        trail.pass_and_happen(seconds / count, f"{len(trail.client.log)}-{number}")


class TestLongAnswers:
    @ORDERS
    def test_an_answer_that_is_cut_loses_nothing_in_any_order(self, trail: Trail, order: Arrange) -> None:
        trail.client.page_size, trail.client.arrange = 1, order
        fill(trail, 5 * PAGES_PER_WINDOW, 86_400)
        while trail.counted < len(trail.client.log):
            before = trail.counted
            trail.read()
            assert trail.counted > before
            assert trail.refresh.truncated == 0
        assert trail.read() == len(trail.client.log)

    def test_what_has_been_read_whole_is_kept_when_the_rest_fails(self, trail: Trail) -> None:
        trail.client.page_size = 1
        fill(trail, 2 * PAGES_PER_WINDOW, 86_400)
        trail.read()
        counted = trail.counted
        fill(trail, 2 * PAGES_PER_WINDOW, 86_400)
        trail.client.pages_left = 3 * PAGES_PER_WINDOW
        trail.fails()
        assert trail.counted > counted
        trail.client.pages_left = None
        while trail.counted < len(trail.client.log):
            trail.read()
        assert trail.read() == len(trail.client.log)

    def test_one_run_reads_no_more_than_its_share(self, trail: Trail) -> None:
        trail.client.page_size = 1
        fill(trail, 100 * PAGES_PER_WINDOW, 30 * 86_400)
        trail.client.windows.clear()
        trail.read()
        assert len(trail.client.windows) == audit.WINDOWS_PER_RUN
        assert 0 < trail.counted < len(trail.client.log)

    def test_more_in_one_second_than_fits_is_lost_but_counted_as_truncated(self, trail: Trail) -> None:
        trail.client.page_size = 1
        trail.pass_and_happen(10, *(f"{number}" for number in range(2 * PAGES_PER_WINDOW)))
        runs = [(trail.read(), trail.refresh.truncated) for _ in range(4)]
        assert max(truncated for _, truncated in runs) >= 1
        assert PAGES_PER_WINDOW <= runs[-1][0] <= 2 * PAGES_PER_WINDOW
        trail.pass_and_happen(3600, "later")
        before = trail.counted
        for _ in range(4):
            trail.read()
        assert trail.counted == before + 1

    def test_a_first_sight_that_is_cut_counts_no_history(self) -> None:
        trail = Trail(GovernanceClient(page_size=1))
        for number in range(5 * PAGES_PER_WINDOW):
            trail.client.happen(f"{number}", at=EPOCH - 500 + number)
        for _ in range(4):
            assert trail.read() == 0
            trail.clock.advance(60)
        trail.client.happen("new")
        assert trail.read() == 1

    def test_short_answers_are_asked_for_in_one_call_again(self, trail: Trail) -> None:
        trail.client.page_size = 1
        fill(trail, 3 * PAGES_PER_WINDOW, 86_400)
        while trail.counted < len(trail.client.log):
            trail.read()
        trail.client.windows.clear()
        trail.read()
        ((_, until),) = trail.client.windows
        assert until is None


class TestLabels:
    def test_known_values_are_kept_and_any_other_one_is_other(self) -> None:
        assert labels_of(row("flow", "update", "ui")) == ("flow", "update", "ui")
        assert labels_of(row("accessToken", "Create", "SSO")) == ("accesstoken", "create", "sso")
        assert labels_of(row("admin@example.com", "merge", "psychic")) == ("other", "other", "other")
        assert labels_of(row(None, "", None)) == ("other", "other", "other")

    @pytest.mark.parametrize("members", [RESOURCE_TYPES, EVENTS, SOURCES])
    def test_every_enumeration_ends_in_other(self, members: tuple[str, ...]) -> None:
        assert members[-1] == "other"
        assert len(set(members)) == len(members)

    def test_there_are_never_more_series_than_the_bound(self) -> None:
        counts = AuditCounts(0.0)
        every = [(kind, event, source) for kind in RESOURCE_TYPES for event in EVENTS for source in SOURCES]
        rows = [row(*labels, name=str(number)) for number, labels in enumerate(every)]
        counts = counts.with_entries(rows)
        series = lines(AUDIT_BLOCK.build({"audit": counts}))
        assert len(every) > len(series)
        assert len(series) <= MAX_KEYS + 1 + len(ZEROES) < 200
        assert sum(counts.counts.values()) == len(every)

    def test_what_people_change_most_starts_at_zero(self) -> None:
        shown = lines(AUDIT_BLOCK.build({"audit": AuditCounts(0.0)}))
        assert 'audit_events_total{resource_type="flow",event="delete",source="api"} 0' in shown
        assert len(shown) == len(ZEROES)

    def test_sample_lines(self) -> None:
        counts = AuditCounts(0.0, counts={("flow", "update", "ui"): 12, ("other", "create", "sso"): 1})
        shown = [line for line in lines(AUDIT_BLOCK.build({"audit": counts})) if not line.endswith(" 0")]
        assert shown == [
            'audit_events_total{resource_type="flow",event="update",source="ui"} 12',
            'audit_events_total{resource_type="other",event="create",source="sso"} 1',
        ]


def row(kind: str | None, event: str | None, source: str | None, name: str = "e") -> AuditEntry:
    return AuditEntry(id=name, time=Instant(5.0), resource_type=kind, event=event, source=source)


Step = tuple[int, int, int]


@given(
    steps=st.lists(st.tuples(st.integers(60, 900), st.integers(0, 40), st.integers(0, 590)), max_size=12),
    page_size=st.sampled_from([1, 3, 100]),
    order=st.sampled_from([newest_first, oldest_first, mixed]),
)
@settings(max_examples=120, deadline=None)
def test_over_any_life_every_entry_counts_once(
    steps: list[Step], page_size: int, order: Callable[[list[AuditEntry]], list[AuditEntry]]
) -> None:
    """Each step: seconds that pass, entries made meanwhile, and how late the last of them appears."""
    trail = Trail(GovernanceClient(page_size=page_size, arrange=order))
    trail.read()
    waiting: list[tuple[float, AuditEntry]] = []
    made: Counter[str] = Counter()
    for number, (seconds, count, late) in enumerate(steps):
        for each in range(count):
            trail.clock.advance(seconds / count)
            trail.client.happen(f"{number}-{each}")
            made["all"] += 1
        if count:
            waiting.append((trail.clock.time() + late, trail.client.log.pop()))
        trail.client.log += [entry for due, entry in waiting if due <= trail.clock.time()]
        waiting = [(due, entry) for due, entry in waiting if due > trail.clock.time()]
        trail.read()
    trail.clock.advance(600)
    trail.client.log += [entry for _, entry in waiting]
    for _ in range(12):
        trail.read()
    assert trail.counted == made["all"]
