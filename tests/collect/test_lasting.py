"""Values are found anew where something changed and when their time is up, and only there."""

from dataclasses import dataclass, field
from math import inf
from random import Random

from exporter.collect.lasting import Found, Lasting

MINUTE = 60.0


@dataclass(slots=True)
class Source:
    """Lists how it was asked; `rows` holds a value of each key and every how many seconds the value grows by one."""

    rows: dict[str, tuple[int, float]]
    asked: list[str] = field(default_factory=list)
    now: float = 0.0

    def find(self, key: str) -> Found[tuple[int, int]] | None:
        self.asked.append(key)
        if key not in self.rows:
            return None
        value, every = self.rows[key]
        number = int(self.now // every)
        # Every third one is nothing.
        return Found(None if number % 3 == 2 else (value, number), (number + 1) * every)

    def asked_now(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


def test_a_value_is_found_once_and_again_when_its_time_is_up() -> None:
    source, held = Source({"a": (1, MINUTE), "b": (1, 10 * MINUTE)}), Lasting[tuple[int, int]]()
    first = held.of(["a", "b"], 0.0, source.find)
    assert source.asked_now() == ["a", "b"]
    assert held.of([], 59.0, source.find) is first
    assert source.asked_now() == []
    source.now = MINUTE
    second = held.of([], MINUTE, source.find)
    assert source.asked_now() == ["a"]
    assert (first, second) == ({"a": (1, 0), "b": (1, 0)}, {"a": (1, 1), "b": (1, 0)})
    assert second["b"] is first["b"]


def test_what_is_found_equal_stays_the_same_object_in_the_same_mapping() -> None:
    source, held = Source({"a": (1, MINUTE)}), Lasting[tuple[int, int]]()
    first = held.of(["a"], 0.0, source.find)
    value = first["a"]
    again = held.of(["a"], 1.0, source.find)
    assert again is first
    assert again["a"] is value


def test_a_key_that_is_gone_is_asked_for_no_more() -> None:
    source, held = Source({"a": (1, MINUTE)}), Lasting[tuple[int, int]]()
    held.of(["a"], 0.0, source.find)
    source.rows.clear()
    assert held.of(["a"], 1.0, source.find) == {}
    source.asked_now()
    held.of([], 100 * MINUTE, source.find)
    held.of([], 0.0, source.find)
    assert source.asked_now() == []


def test_a_moment_back_within_a_minute_nothing_is_asked_and_further_back_what_came_later() -> None:
    source, held = Source({"a": (1, 10 * MINUTE), "b": (1, 10 * MINUTE)}), Lasting[tuple[int, int]]()
    held.of(["a"], 30.0, source.find)
    held.of(["b"], 90.000_001, source.find)
    source.asked_now()
    held.of([], 90.0, source.find)
    assert source.asked_now() == []
    held.of([], 59.0, source.find)
    assert source.asked_now() == ["b"]


def test_what_is_over_at_once_is_asked_for_each_time_also_at_the_same_instant() -> None:
    asked: list[str] = []

    def find(key: str) -> Found[int]:
        asked.append(key)
        return Found(1, 5.0)

    held = Lasting[int]()
    told = [held.of([] if number else ["a"], 5.0, find) for number in range(4)]
    assert asked == ["a"] * 4
    assert all(each is told[0] for each in told)


def test_ends_that_hold_no_longer_do_not_pile_up() -> None:
    held, ends = Lasting[int](), iter(range(10**6, 10**6 + 50_000))
    for _ in range(50_000):
        held.of(["a"], 0.0, lambda _: Found(1, float(next(ends))))
    assert len(held._ends) < 1100
    held.of(["a"], 0.0, lambda _: Found(1, inf))
    assert held._held == {"a": (0.0, inf)}


def test_through_any_steps_it_tells_what_would_be_found_now() -> None:
    random, names = Random(5), [f"key-{number}" for number in range(12)]
    for _ in range(200):
        source, held = Source({}), Lasting[tuple[int, int]]()
        for _ in range(25):
            source.now = max(0.0, source.now + random.choice([0, 1, 59, 61, 400, 4000, -30, -700]) * random.random())
            changed = random.sample(names, random.randrange(4))
            for name in changed:
                if random.random() < 0.3:
                    source.rows.pop(name, None)
                else:
                    source.rows[name] = (random.randrange(3), MINUTE * random.choice([1, 2, 5, 60]))
            told = held.of(changed, source.now, source.find)
            now = {name: found.value for name in names if (found := source.find(name)) is not None}
            assert told == {name: value for name, value in now.items() if value is not None}
