"""Where the token comes from, and what happens when it changes while the exporter runs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.token import TokenProvider, TokenUnreadable
from exporter.config.settings import TokenSource
from tests.api.kit import BASE, CALLS, TOKEN, failure_of, kit
from tests.clocks import ManualClock

OTHER = "other-token"
"""A second token, deliberately of another length than the first."""

SAME_LENGTH = "prober-token-4f1d"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    return file


def from_file(path: Path) -> TokenProvider:
    return TokenProvider(TokenSource(file=str(path)), {}, ManualClock())


def from_environment(value: str | None) -> TokenProvider:
    return TokenProvider(TokenSource(env="ACME_TOKEN"), {} if value is None else {"ACME_TOKEN": value}, ManualClock())


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "  {}  ", "\n\n{}\n\n", "\t{}"], ids=repr)
def test_blanks_and_line_ends_around_a_token_do_not_matter(path: Path, around: str) -> None:
    path.write_bytes(around.format(TOKEN).encode())
    assert from_file(path).current().reveal() == TOKEN
    assert from_environment(around.format(TOKEN)).current().reveal() == TOKEN


UNUSABLE = {
    "empty": b"",
    "only a line end": b"\n",
    "only blanks": b"   \t ",
    "two words": b"prober token",
    "two lines": b"prober\ntoken",
    "control character": b"prober\x07token",
    "escape": b"prober\x1b[0mtoken",
    "NUL": b"prober\0token",
    "delete": b"prober\x7ftoken",
    "not latin-1": "prober€token".encode(),
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_file_without_a_usable_token_is_refused_without_repeating_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(TokenUnreadable) as caught:
        from_file(path).current()
    assert str(path) in str(caught.value)
    assert "prober" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [c for c in UNUSABLE.values() if b"\0" not in c], ids=repr)
def test_a_variable_without_a_usable_token_is_refused_without_repeating_it(content: bytes) -> None:
    with pytest.raises(TokenUnreadable) as caught:
        from_environment(content.decode()).current()
    assert "ACME_TOKEN" in str(caught.value)
    assert "prober" not in str(caught.value)


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(TokenUnreadable, match="ACME_TOKEN"):
        from_environment(None).current()


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\xff\x80")
    with pytest.raises(TokenUnreadable):
        from_file(path).current()
    with pytest.raises(TokenUnreadable):
        from_environment("\udcff\udcfe").current()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenUnreadable, match="absent"):
        from_file(tmp_path / "absent").current()


def test_a_directory_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(TokenUnreadable):
        from_file(tmp_path).current()


@pytest.fixture
def _nobody() -> Iterator[None]:
    """Root may read every file, so a test of permissions does not run as root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.usefixtures("_nobody")
def test_a_file_without_permission_is_refused() -> None:
    for path in ("/etc/shadow", "/etc/gshadow"):
        with pytest.raises(TokenUnreadable, match=r"Permission denied|Operation not permitted"):
            TokenProvider(TokenSource(file=path), {}, ManualClock())


@pytest.mark.parametrize("size", [64 * 1024 + 1, 5 * 1024 * 1024])
def test_a_file_too_large_for_a_token_is_refused(path: Path, size: int) -> None:
    path.write_bytes(b"a" * size)
    with pytest.raises(TokenUnreadable) as caught:
        from_file(path).current()
    assert len(str(caught.value)) < 1000


def test_the_token_is_a_secret(path: Path) -> None:
    assert TOKEN not in repr(from_file(path).current())
    assert TOKEN not in repr(from_file(path)) + str(from_file(path))


def test_a_rewritten_file_is_read_again(path: Path) -> None:
    provider = from_file(path)
    assert provider.current().reveal() == TOKEN
    path.write_text(OTHER)
    assert provider.current().reveal() == OTHER


def test_a_replaced_file_of_same_size_and_time_is_read_again(path: Path, tmp_path: Path) -> None:
    provider = from_file(path)
    provider.current()
    before = path.stat()
    fresh = tmp_path / "fresh"
    fresh.write_text(SAME_LENGTH)
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.replace(path)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert provider.current().reveal() == SAME_LENGTH


def test_a_file_behind_a_switched_link_is_read_again(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    provider = from_file(link)
    provider.current()
    (tmp_path / "next").write_text(OTHER)
    (tmp_path / "switch").symlink_to(tmp_path / "next")
    (tmp_path / "switch").replace(link)
    assert provider.current().reveal() == OTHER


@pytest.mark.parametrize("damage", ["remove", "empty", "words"])
def test_at_run_time_a_damaged_file_leaves_the_last_good_token(path: Path, damage: str) -> None:
    provider = from_file(path)
    provider.current()
    if damage == "remove":
        path.unlink()
    else:
        path.write_text("" if damage == "empty" else "two words")
    assert provider.current().reveal() == TOKEN
    assert provider.refreshed_after_401() is False
    path.write_text(OTHER)
    assert provider.current().reveal() == OTHER


def test_after_a_401_the_file_is_read_whatever_its_times_say(path: Path) -> None:
    provider = from_file(path)
    provider.current()
    before = path.stat()
    with path.open("r+") as file:
        file.write(SAME_LENGTH)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert provider.refreshed_after_401() is True
    assert provider.current().reveal() == SAME_LENGTH


def test_after_a_401_an_unchanged_token_is_not_called_new(path: Path) -> None:
    provider = from_file(path)
    provider.current()
    os.utime(path)
    path.write_text(f"{TOKEN}\n")
    assert provider.refreshed_after_401() is False
    fixed = from_environment(TOKEN)
    fixed.current()
    assert fixed.refreshed_after_401() is False


URL = f"{BASE}/v1/tokenInfo"


def test_a_call_refused_with_401_is_repeated_once_with_the_new_token(http: requests_mock.Mocker, path: Path) -> None:
    def answer(request: requests_mock.request._RequestObjectProxy, context: object) -> str:
        good = request.headers["Authorization"] == f"Bearer {OTHER}"
        context.status_code = 200 if good else 401  # type: ignore[attr-defined]  # the mock's own context class
        path.write_text(OTHER)
        return '{"_userId": "u"}'

    http.get(URL, text=answer)
    with kit(token=from_file(path)) as api:
        assert api.client.token_info(api.refresh()).user_id == "u"
        assert api.errors() == {"unauthorized": 1}
        assert http.call_count == api.last.requests == 2


def test_a_new_token_that_is_refused_too_ends_the_call(http: requests_mock.Mocker, path: Path) -> None:
    replacements = iter([OTHER, SAME_LENGTH, TOKEN])

    def answer(*_: object) -> str:
        path.write_text(next(replacements))
        return ""

    http.get(URL, status_code=401, text=answer)
    with kit(token=from_file(path)) as api:
        assert isinstance(failure_of(CALLS[Endpoint.TOKEN_INFO], api), errors.Unauthorized)
        assert http.call_count == 2


def test_a_401_with_an_unchanged_token_is_final(http: requests_mock.Mocker, path: Path) -> None:
    http.get(URL, status_code=401)
    with kit(token=from_file(path)) as api:
        assert isinstance(failure_of(CALLS[Endpoint.TOKEN_INFO], api), errors.Unauthorized)
        assert http.call_count == 1


def test_a_403_does_not_look_for_another_token(http: requests_mock.Mocker, path: Path) -> None:
    def answer(*_: object) -> str:
        path.write_text(OTHER)
        return ""

    http.get(URL, status_code=403, text=answer)
    with kit(token=from_file(path)) as api:
        assert isinstance(failure_of(CALLS[Endpoint.TOKEN_INFO], api), errors.Forbidden)
        assert http.call_count == 1


def test_a_rotated_token_is_used_from_the_next_call_on(http: requests_mock.Mocker, path: Path) -> None:
    http.get(URL, json={"_userId": "u"})
    with kit(token=from_file(path)) as api:
        api.client.token_info(api.refresh())
        path.write_text(OTHER)
        api.client.token_info(api.refresh())
    sent = [request.headers["Authorization"] for request in http.request_history]
    assert sent == [f"Bearer {TOKEN}", f"Bearer {OTHER}"]
