"""The page at `/`, as a real browser shows it."""

import subprocess
from pathlib import Path

import requests

from tests.e2e.processes import Demo, until

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)


def browse(chromium: str, folder: Path, url: str, *flags: str) -> tuple[str, str]:
    """What Chromium prints, and its log with the page's console."""
    command = [chromium, *_FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, url]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return done.stdout.decode(), done.stderr.decode()


def test_a_browser_shows_the_account_and_its_collectors(demo: Demo, chromium: str, tmp_path: Path) -> None:
    until(lambda: "celigo_flow_enabled" in requests.get(f"{demo.url}/metrics", timeout=30).text, "the inventory")
    dom, log = browse(chromium, tmp_path, f"{demo.url}/", "--dump-dom")
    for expected in ("demo", "auth: ok", "flows: ok", "inventory", "connections", "budget"):
        assert expected in dom
    assert "Refused to" not in log, "the page keeps its own content security policy"
    assert "Content Security Policy" not in log


def test_the_page_is_styled_and_not_empty(demo: Demo, chromium: str, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    browse(chromium, tmp_path, f"{demo.url}/", "--window-size=1100,620", f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    # A blank page of this size compresses to a few kilobytes.
    assert picture.stat().st_size > 15_000
