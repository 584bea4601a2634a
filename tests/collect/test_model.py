"""What is known of an account: newest views, handed out as long as they are fresh."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.model import AccountModel, Part, Reading


def model() -> AccountModel:
    return AccountModel((Part("health", 300.0), Part("inventory", 900.0)))


class TestUnknown:
    def test_nothing_is_known_before_the_first_publication(self) -> None:
        assert model().reading("health", 0.0) is None
        assert model().view("health", str, 0.0) is None

    def test_a_part_of_its_own_says_nothing_about_another(self) -> None:
        held = model()
        held.publish("health", "up", 10.0)
        assert held.reading("inventory", 10.0) is None

    def test_publishing_an_unknown_part_is_refused_and_changes_nothing(self) -> None:
        held = model()
        held.publish("health", "up", 10.0)
        with pytest.raises(KeyError, match="agents"):
            held.publish("agents", "view", 10.0)
        held.publish("health", "up", 11.0)
        assert held.reading("health", 11.0) == Reading("up", 11.0, 2)
        assert held.reading("agents", 11.0) is None


class TestStaleness:
    @pytest.mark.parametrize(
        ("part", "age", "known"),
        [
            ("health", 0.0, True),
            ("health", 300.0, True),
            ("health", 300.5, False),
            ("inventory", 300.5, True),
            ("inventory", 900.0, True),
            ("inventory", 900.5, False),
        ],
    )
    def test_a_view_is_handed_out_until_its_own_staleness_has_passed(self, part: str, age: float, known: bool) -> None:
        held = model()
        held.publish(part, "view", 1000.0)
        assert (held.reading(part, 1000.0 + age) is not None) is known
        assert (held.view(part, str, 1000.0 + age) == "view") is known

    def test_the_age_counts_from_when_it_was_true_not_from_its_publication(self) -> None:
        held = model()
        held.publish("health", "fresh", 1000.0)
        held.publish("health", "read long ago", 700.0)
        assert held.view("health", str, 1000.0) == "read long ago"
        assert held.view("health", str, 1000.5) is None

    def test_a_stale_part_is_known_again_with_the_next_publication(self) -> None:
        held = model()
        held.publish("health", "old", 0.0)
        assert held.view("health", str, 1000.0) is None
        held.publish("health", "new", 1000.0)
        assert held.view("health", str, 1000.0) == "new"

    def test_a_reading_from_a_moment_ahead_of_the_reader_is_fresh(self) -> None:
        held = model()
        held.publish("health", "up", 10.0)
        assert held.view("health", str, 9.0) == "up"


class TestVersions:
    @given(st.lists(st.sampled_from(["health", "inventory"]), min_size=1, max_size=30))
    def test_they_grow_with_each_publication_of_any_part(self, parts: list[str]) -> None:
        held = model()
        for number, part in enumerate(parts, 1):
            held.publish(part, number, 5.0)
            assert held.reading(part, 5.0) == Reading(number, 5.0, number)

    def test_the_same_view_again_is_a_new_version(self) -> None:
        held, view = model(), object()
        held.publish("health", view, 1.0)
        held.publish("health", view, 1.0)
        reading = held.reading("health", 1.0)
        assert reading is not None
        assert (reading.view, reading.version) == (view, 2)

    def test_a_reading_that_was_taken_never_changes(self) -> None:
        held = model()
        held.publish("health", "first", 1.0)
        taken = held.reading("health", 1.0)
        held.publish("health", "second", 2.0)
        assert taken == Reading("first", 1.0, 1)

    def test_many_threads_lose_no_version(self) -> None:
        held, barrier, each = model(), threading.Barrier(8), 200

        def publish(part: str) -> None:
            barrier.wait(30)
            for number in range(each):
                held.publish(part, number, 1.0)

        names = ["health", "inventory"] * 4
        threads = [threading.Thread(target=publish, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        readings = [held.reading(name, 1.0) for name in ("health", "inventory")]
        assert max(reading.version for reading in readings if reading is not None) == 8 * each


class TestKind:
    def test_a_view_of_another_kind_is_a_bug_that_names_part_and_kinds_only(self) -> None:
        held = model()
        held.publish("health", "content", 1.0)
        with pytest.raises(TypeError) as caught:
            held.view("health", int, 1.0)
        assert str(caught.value) == "part health holds str, not int"

    def test_a_stale_view_of_another_kind_is_merely_unknown(self) -> None:
        held = model()
        held.publish("health", "content", 1.0)
        assert held.view("health", int, 1000.0) is None

    def test_a_view_that_reads_as_false_is_still_known(self) -> None:
        held = model()
        held.publish("health", 0, 1.0)
        assert held.view("health", int, 1.0) == 0
