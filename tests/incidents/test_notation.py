"""Series are written as promtool reads them."""

import pytest

from tests.incidents.notation import notation


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        ([1.0] * 5, "1x4"),
        ([1.0], "1"),
        ([None, None, 1.0], "_x2 1"),
        ([None, 1.0], "_ 1"),
        ([1.0, None, None, None], "1 stale _x2"),
        ([1.0, None], "1 stale"),
        ([60.0, 120.0, 180.0, 5.0], "60+60x2 5"),
        ([3.0, 2.0, 1.0, 0.0, -1.0], "3-1x4"),
        ([0.25, 0.25, 0.5], "0.25x1 0.5"),
        ([0.1, 0.2, 0.3], "0.1 0.2 0.3"),
        ([-5.0, -5.0, 7.0], "-5x1 7"),
    ],
)
def test_it_is_short_and_exact(samples: list[float | None], text: str) -> None:
    assert notation(samples) == text
