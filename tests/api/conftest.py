"""A client under test for the tests of the client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests_mock

from tests.api.kit import Kit, kit
from tests.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http() -> Iterator[requests_mock.Mocker]:
    """Stands for the network: a request that no test announced fails as a refused connection."""
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def api(clock: ManualClock, http: requests_mock.Mocker) -> Iterator[Kit]:
    del http  # only so that nothing is sent for real
    with kit(clock) as under_test:
        yield under_test


_REDIRECT = "requests reads a redirect's body itself, without bound or deadline, though it is told not to follow it"
_CUT_HEAD = "a connection that ends inside the head is taken for an answer with an empty body"
_OPEN_DEFECTS = {
    "test_each_status_has_its_leaf[301-": _REDIRECT,
    "test_each_status_has_its_leaf[302-": _REDIRECT,
    "test_each_status_has_its_leaf[303-": _REDIRECT,
    "test_each_status_has_its_leaf[307-": _REDIRECT,
    "test_each_status_has_its_leaf[308-": _REDIRECT,
    "test_the_body_of_a_redirect_changes_nothing": _REDIRECT,
    "test_the_dripping_body_of_a_refusal_ends_with_the_deadline[302 Found]": _REDIRECT,
    "test_the_body_of_a_refusal_is_bounded_too[302 Found]": _REDIRECT,
    **{f"test_an_answer_cut_in_its_head_is_never_an_empty_list[{number}]": _CUT_HEAD for number in range(5)},
}
"""Tests that the client does not pass yet, and why. Strict: whoever repairs the client must delete the entry."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name, reason in _OPEN_DEFECTS.items():
            if item.path.is_relative_to(Path(__file__).parent) and item.name.startswith(name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
