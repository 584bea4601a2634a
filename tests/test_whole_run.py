"""Promises over the whole test run; collected last (see conftest)."""

import re

import pytest

from tests.recorder import RECORDER

_ID = r"[0-9A-Za-z_-]{1,64}"
ALLOWED = {
    "GET": (
        r"/v1/tokenInfo",
        r"/v1/(integrations|flows|connections|exports|imports|jobs)",
        rf"/v1/integrations/{_ID}/errors",
        rf"/v1/flows/{_ID}/errors",
        rf"/v1/flows/{_ID}/{_ID}/errors",
        rf"/v1/jobs/{_ID}",
    ),
    "POST": (r"/v1/jobs/current",),
}
"""The contract's calls that this release makes, written down a second time on purpose."""


def test_nothing_but_the_allowed_calls_was_ever_sent() -> None:
    others = {
        (method, path)
        for method, path in RECORDER.calls
        if not any(re.fullmatch(pattern, path) for pattern in ALLOWED.get(method, ()))
    }
    if not RECORDER.calls:
        pytest.skip("no other test ran, so nothing was sent")
    print(f"{RECORDER.count} requests, {len(RECORDER.calls)} different, {len(others)} not allowed")
    assert others == set()


def test_no_token_was_ever_printed() -> None:
    assert RECORDER.leaks == []
