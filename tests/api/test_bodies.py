"""A body that is the same as before is not decoded again, and no other one is taken for it."""

from collections import Counter

from exporter.api.bodies import MAX_BODIES, DecodedBodies
from exporter.api.decode import Rows
from exporter.api.models import Integration


class Bodies:
    """Counts what was decoded."""

    def __init__(self) -> None:
        self.decoded = 0
        self._held = DecodedBodies()

    def read(self, page: str, body: bytes) -> Rows[Integration]:
        def decode() -> Rows[Integration]:
            self.decoded += 1
            return Rows((Integration(id=body.decode()),), Counter({"wrong_type": 1}))

        return self._held.rows(page, body, decode)


def test_the_same_body_of_a_page_gives_the_same_rows() -> None:
    bodies = Bodies()
    first = bodies.read("p", b"a")
    assert bodies.read("p", b"a") is first
    assert bodies.decoded == 1


def test_another_body_is_decoded_and_is_the_one_that_is_known_next() -> None:
    bodies = Bodies()
    bodies.read("p", b"a")
    assert bodies.read("p", b"b").rows[0].id == "b"
    assert bodies.read("p", b"a").rows[0].id == "a"
    assert bodies.decoded == 3


def test_pages_are_kept_apart_even_with_equal_bodies() -> None:
    bodies = Bodies()
    bodies.read("p", b"a")
    bodies.read("q", b"a")
    assert bodies.decoded == 2


def test_rows_that_were_left_out_are_told_each_time() -> None:
    bodies = Bodies()
    assert [bodies.read("p", b"a").rejected["wrong_type"] for _ in range(3)] == [1, 1, 1]


def test_a_body_that_cannot_be_decoded_leaves_no_trace() -> None:
    held, bodies = DecodedBodies(), []

    def fail() -> Rows[Integration]:
        bodies.append(1)
        raise ValueError

    for _ in range(2):
        try:
            held.rows("p", b"a", fail)
        except ValueError:
            continue
    assert len(bodies) == 2


def test_the_number_of_pages_is_bounded_and_the_one_read_longest_ago_goes() -> None:
    bodies = Bodies()
    for number in range(MAX_BODIES + 1):
        bodies.read(str(number), b"a")
    bodies.read(str(MAX_BODIES), b"a")
    assert bodies.decoded == MAX_BODIES + 1
    bodies.read("0", b"a")
    assert bodies.decoded == MAX_BODIES + 2
