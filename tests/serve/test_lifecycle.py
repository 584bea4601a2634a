"""`POST /-/reload`: who may, what they are answered, and that no web page can."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.config.settings import Web
from tests.serve.rig import Rig, rig

ON = Web(enable_lifecycle=True)
APPLIED = 'celigo_exporter_config_reloads_total{outcome="applied"}'


@pytest.fixture(scope="module")
def closed() -> Iterator[Rig]:
    """As it is by default."""
    with rig() as held:
        yield held


@pytest.fixture(scope="module")
def open_to_all() -> Iterator[Rig]:
    with rig(web=ON) as held:
        yield held


def value(held: Rig, name: str) -> float:
    (found,) = [line for line in held.scrape("?collect[]=exporter").splitlines() if line.startswith(f"{name} ")]
    return float(found.rsplit(" ", 1)[1])


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_without_the_flag_it_is_403_and_one_line_says_which_flag(closed: Rig, method: str) -> None:
    answer = closed.raw(method, "/-/reload")
    assert (answer.status, answer.body) == (403, b"reload over HTTP is off; start with --web.enable-lifecycle\n")
    assert value(closed, APPLIED) == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_with_the_flag_it_reloads(open_to_all: Rig, method: str) -> None:
    before = value(open_to_all, APPLIED)
    answer = open_to_all.raw(method, "/-/reload")
    assert (answer.status, answer.body) == (200, b"reloaded\n")
    assert value(open_to_all, APPLIED) == before + 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("held", ["closed", "open_to_all"])
def test_other_methods_are_405_and_do_nothing(held: str, method: str, request: pytest.FixtureRequest) -> None:
    exporter: Rig = request.getfixturevalue(held)
    before = value(exporter, APPLIED)
    answer = exporter.raw(method, "/-/reload")
    assert answer.status == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"POST", "PUT"}
    assert value(exporter, APPLIED) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:10940", "Host": "127.0.0.1:10940"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Mode": "no-cors"},
    ],
    ids=str,
)
def test_what_a_browser_sends_for_a_page_is_refused_whatever_the_page(
    open_to_all: Rig, headers: dict[str, str]
) -> None:
    before = value(open_to_all, APPLIED)
    answer = open_to_all.raw("POST", "/-/reload", headers)
    assert answer.status == 403
    assert answer.body.count(b"\n") == 1
    assert value(open_to_all, APPLIED) == before


def test_bad_settings_are_500_with_the_one_line(open_to_all: Rig) -> None:
    open_to_all.wanted.problem = "unknown key `nmae`"
    try:
        answer = open_to_all.raw("POST", "/-/reload")
        assert answer.status == 500
        assert answer.body == b"reload rejected: celigo.yml:3: accounts: unknown key `nmae`\n"
        assert value(open_to_all, "celigo_exporter_config_last_reload_successful") == 0
    finally:
        open_to_all.wanted.problem = None
    assert open_to_all.raw("POST", "/-/reload").status == 200
    assert value(open_to_all, "celigo_exporter_config_last_reload_successful") == 1


def test_a_hundred_at_once_are_all_answered_and_do_not_hold_up_a_scrape(open_to_all: Rig) -> None:
    with ThreadPoolExecutor(100) as pool:
        posts = [pool.submit(open_to_all.raw, "POST", "/-/reload") for _ in range(100)]
        assert "celigo_up" in open_to_all.scrape()
        assert {post.result(60).status for post in posts} == {200}
