"""What one reading of a listing does not tell, and how long it is still true."""

from collections.abc import Mapping

from exporter.api.listing import Listing
from exporter.api.models import Integration
from exporter.collect.kept import Kept


def told(kept: Kept[str], at: float, *names: str, complete: bool = True, unread: str = "") -> Mapping[str, str]:
    listing: Listing[Integration] = Listing((), complete, at, unread=frozenset(unread.split()))
    return kept.merge(listing, {name: f"{name} of {at:g}" for name in names})


def test_a_whole_listing_is_all_there_is() -> None:
    kept: Kept[str] = Kept(10.0)
    told(kept, 1.0, "a", "b")
    assert told(kept, 2.0, "a") == {"a": "a of 2"}


def test_what_an_incomplete_listing_may_have_left_out_stays_as_long_as_it_is_incomplete() -> None:
    kept: Kept[str] = Kept(10.0)
    told(kept, 1.0, "a", "b")
    assert told(kept, 1000.0, "a", complete=False) == {"a": "a of 1000", "b": "b of 1"}
    assert told(kept, 1001.0, "a") == {"a": "a of 1001"}


def test_what_cannot_be_read_stays_until_it_is_stale_and_keeps_its_age_meanwhile() -> None:
    kept: Kept[str] = Kept(10.0)
    told(kept, 1.0, "a", "b", "c")
    assert told(kept, 6.0, "a", unread="b") == {"a": "a of 6", "b": "b of 1"}
    assert told(kept, 11.0, "a", unread="b") == {"a": "a of 11", "b": "b of 1"}
    assert told(kept, 11.5, "a", unread="b", complete=False) == {"a": "a of 11.5"}
    assert told(kept, 12.0, "a", "b") == {"a": "a of 12", "b": "b of 12"}


def test_what_was_never_read_is_not_known() -> None:
    assert told(Kept(10.0), 1.0, "a", unread="b") == {"a": "a of 1"}


def test_what_is_all_there_is_comes_back_as_it_came() -> None:
    kept: Kept[str] = Kept(10.0)
    found = {"a": "a"}
    for at in (1.0, 2.0):
        assert kept.merge(Listing((), True, at), found) is found


def test_what_was_found_again_as_it_was_is_as_old_as_the_newest_reading() -> None:
    kept: Kept[str] = Kept(10.0)
    found = {"a": "a"}
    for at in (1.0, 50.0):
        kept.merge(Listing((), True, at), found)
    assert kept.merge(Listing((), True, 60.0, unread=frozenset("a")), {}) == {"a": "a"}
    assert kept.merge(Listing((), True, 60.5, unread=frozenset("a")), {}) == {}
