"""What is in no listing: remembered since when, gone for good after a day."""

from exporter.collect.departed import KEPT_SECONDS, Departed


def test_what_has_just_left_is_kept() -> None:
    assert Departed().note(["a"], 0.0) == {"a"}


def test_after_a_day_it_is_gone_for_good() -> None:
    departed = Departed()
    departed.note(["a"], 0.0)
    assert departed.note(["a", "b"], KEPT_SECONDS - 1) == {"a", "b"}
    assert departed.note(["a", "b"], KEPT_SECONDS) == {"b"}


def test_what_came_back_begins_anew_when_it_leaves_again() -> None:
    departed = Departed()
    departed.note(["a"], 0.0)
    departed.note([], 10.0)
    departed.note(["a"], 20.0)
    assert departed.note(["a"], KEPT_SECONDS + 10) == {"a"}


def test_it_remembers_nothing_but_what_is_missing() -> None:
    departed = Departed()
    for number in range(1000):
        departed.note([f"flow-{number}"], float(number))
    assert departed.note(["flow-999"], 1000.0) == {"flow-999"}
    assert len(departed._since) == 1
