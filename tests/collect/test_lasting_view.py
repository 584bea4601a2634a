"""One view after the other is what its readings give by themselves, and costs what changed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

import pytest

from exporter.collect import sample_sums
from exporter.collect.drilldown import StepKey, StepReading
from exporter.collect.known import Known
from exporter.collect.lasting_view import LastingView
from exporter.collect.open_errors import OpenErrorsView, Readings
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import Sample, sample_of
from tests.clocks import EPOCH
from tests.collect.errors_kit import record
from tests.collect.plain_errors import plain_view

DAY = 86_400.0
CODES = 4
MAPPINGS = [name for name in OpenErrorsView.__slots__ if name not in {"folded_codes", "sampled_ratio"}]


@dataclass(slots=True)
class World:
    """An account that changes at random; what it does not change stays the very same object."""

    chance: random.Random
    homes: dict[str, str] = field(default_factory=dict)
    counts: dict[str, OpenCount] = field(default_factory=dict)
    steps: dict[StepKey, StepReading] = field(default_factory=dict)
    integrations: frozenset[str] = frozenset()
    now: float = EPOCH
    readings: Readings = field(init=False)

    def __post_init__(self) -> None:
        for number in range(12):
            self.homes[f"flow-{number}"] = f"int-{number % 4}"
        self.integrations = frozenset({*self.homes.values(), "int-empty"})
        self.readings = self._read()

    def sample(self) -> Sample:
        """Records of any kind."""
        chance = self.chance
        rows = [
            record(
                str(number),
                chance.choice([None, self.now - EPOCH - chance.uniform(0, 40 * DAY)]),
                classification=chance.choice(["value", "missing", None]),
                source=chance.choice(["application", "lookup"]),
                code=chance.choice(["A", "B", "C", "D", "E", "F", "what is this", None]),
                purge=chance.choice([None, chance.uniform(-DAY, 10 * DAY)]),
                assigned=chance.choice([None, True, False]),
            )
            for number in range(chance.randrange(4))
        ]
        return sample_of(rows, complete=chance.random() < 0.8)

    def change(self) -> None:
        """Change up to three things, or nothing but the time."""
        for _ in range(self.chance.randrange(4)):
            self.chance.choice([self._count, self._count, self._step, self._step, self._step, self._move, self._go])()
        self.now += self.chance.choice([0.0, 1.0, 3600.0, DAY])
        self.readings = self._read()

    def _count(self) -> None:
        flow_id = self.chance.choice(list(self.homes))
        self.counts[flow_id] = OpenCount(self.chance.choice([0, 1, 2, 5, 9]), None, self.homes[flow_id])

    def _step(self) -> None:
        if not self.counts:
            return
        key = (self.chance.choice(list(self.counts)), f"step-{self.chance.randrange(3)}")
        if self.chance.random() < 0.3:
            gone = self.steps.pop(key, None)
            if gone is not None and self.chance.random() < 0.5:
                self.steps[key] = gone  # the same reading in another place
            return
        sample = self.sample() if self.chance.random() < 0.8 else None
        self.steps[key] = StepReading((self.chance.randrange(1, 6), None), sample)

    def _move(self) -> None:
        flow_id = self.chance.choice(list(self.homes))
        self.homes = {**self.homes, flow_id: f"int-{self.chance.randrange(5)}"}
        self.integrations |= {self.homes[flow_id]}

    def _go(self) -> None:
        """A flow goes, or an integration with all that is in it."""
        flow_id = self.chance.choice(list(self.homes))
        gone = {flow_id} if self.chance.random() < 0.5 else {f for f, h in self.homes.items() if h == "int-3"}
        self.counts = {name: row for name, row in self.counts.items() if name not in gone}

    def _read(self) -> Readings:
        steps = {key: row for key, row in self.steps.items() if key[0] in self.counts}
        some = [name for name in self.counts if self.chance.random() < 0.05]
        return Readings(
            known=Known(dict(self.homes), self.integrations, complete=self.chance.random() < 0.9, at=0.0),
            counts=dict(self.counts),
            fresh=frozenset(name for name in self.integrations if self.chance.random() < 0.95),
            now=self.now,
            steps=steps,
            cleared=frozenset((name, "step-9") for name in some),
            outdated_flows=frozenset(name for name in self.counts if self.chance.random() < 0.05),
            outdated_steps=frozenset(key for key in steps if self.chance.random() < 0.05),
        )


def rounds(seed: int, number: int = 60) -> Iterator[World]:
    """The same account, changed again and again."""
    world = World(random.Random(seed))
    for _ in range(number):
        world.change()
        yield world


@pytest.mark.parametrize("seed", range(25))
def test_whatever_came_before_each_view_is_the_one_of_its_readings(seed: int) -> None:
    lasting = LastingView(CODES)
    for world in rounds(seed):
        view, plain = lasting.of(world.readings), plain_view(world.readings, CODES)
        for each in fields(OpenErrorsView):
            assert getattr(view, each.name) == getattr(plain, each.name), each.name
        assert list(view.steps) == list(plain.steps)
        assert list(view.integrations) == list(plain.integrations)
        assert list((view.codes or {}).items()) == list((plain.codes or {}).items())


@pytest.mark.parametrize("seed", range(5))
def test_no_view_that_was_handed_out_changes_afterwards(seed: int) -> None:
    lasting = LastingView(CODES)
    told = [(lasting.of(world.readings), plain_view(world.readings, CODES)) for world in rounds(seed)]
    assert all(view == plain for view, plain in told)


@pytest.mark.parametrize("seed", range(5))
def test_where_nothing_changed_every_mapping_is_the_one_before(seed: int) -> None:
    lasting = LastingView(CODES)
    for world in rounds(seed, 20):
        first = lasting.of(world.readings)
        later = lasting.of(replace(world.readings, now=world.now + 0.001))
        for name in MAPPINGS:
            assert getattr(later, name) is getattr(first, name), name


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_the_readings_with_the_same_facts_give_the_same_mappings(seed: int) -> None:
    lasting = LastingView(CODES)
    for world in rounds(seed, 20):
        first, held = lasting.of(world.readings), world.readings
        again = lasting.of(replace(held, counts=dict(held.counts), steps=dict(held.steps), known=replace(held.known)))
        for name in set(MAPPINGS) - {"flows"}:
            assert getattr(again, name) is getattr(first, name), name


@pytest.mark.parametrize("seed", range(5))
def test_a_flow_whose_steps_stayed_has_the_very_same_steps(seed: int) -> None:
    lasting, before = LastingView(CODES), None
    for world in rounds(seed):
        view = lasting.of(world.readings)
        for flow_id, entries in view.flow_steps.items():
            if before is not None and before.flow_steps.get(flow_id) == entries:
                assert before.flow_steps[flow_id] is entries
        before = view


def many(integrations: int = 50) -> Readings:
    """An account with a flow, a step and a sample in each integration."""
    names = {f"flow-{number:03}": f"int-{number:03}" for number in range(integrations)}
    sample = sample_of([record("1"), record("2")], complete=True)
    return Readings(
        known=Known(names, frozenset(names.values()), complete=True, at=0.0),
        counts={flow_id: OpenCount(2, None, home) for flow_id, home in names.items()},
        fresh=frozenset(names.values()),
        now=EPOCH,
        steps={(flow_id, "step"): StepReading((2, None), replace(sample)) for flow_id in names},
    )


@pytest.fixture
def summed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples were added up, for each time that an integration was summed."""
    calls: list[int] = []
    plain = sample_sums.sum_of

    def counting(samples: list[Sample]) -> sample_sums.SampleSum:
        calls.append(len(samples))
        return plain(samples)

    monkeypatch.setattr(sample_sums, "sum_of", counting)
    return calls


def test_only_the_integrations_with_another_sample_are_summed(summed: list[int]) -> None:
    readings, lasting = many(), LastingView(CODES)
    lasting.of(readings)
    assert len(summed) == 50
    summed.clear()
    lasting.of(replace(readings, now=EPOCH + DAY))
    assert summed == []
    other = StepReading((3, None), sample_of([record("3")], complete=True))
    changed = dict.fromkeys(list(readings.steps)[:3], other)
    lasting.of(replace(readings, steps={**readings.steps, **changed}))
    assert summed == [1, 1, 1]


def test_a_count_that_changed_sums_nothing_while_the_samples_are_the_same(summed: list[int]) -> None:
    readings, lasting = many(), LastingView(CODES)
    lasting.of(readings)
    summed.clear()
    lasting.of(replace(readings, counts={**readings.counts, "flow-000": OpenCount(7, None, "int-000")}))
    assert summed == []


def test_a_view_that_broke_off_halfway_leaves_nothing_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    readings, lasting = many(), LastingView(CODES)
    lasting.of(readings)
    changed = replace(readings, counts={**readings.counts, "flow-000": OpenCount(7, None, "int-000")})
    with monkeypatch.context() as broken:
        broken.setattr(sample_sums.SampleSums, "age", None)
        with pytest.raises(TypeError):
            lasting.of(changed)
    assert lasting.of(changed) == plain_view(changed, CODES)
