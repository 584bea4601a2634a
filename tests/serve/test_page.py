"""The page at `/`: escaped, without scripts, in keeping with its own content security policy."""

import base64
import hashlib
import re
from dataclasses import replace

import markupsafe
import pytest

from exporter import __version__
from exporter.config.settings import Account, Settings, TokenSource
from exporter.serve.fleet import Fleet
from exporter.serve.page import page_headers, render_page
from tests.clocks import ManualClock
from tests.serve.rig import rig

HOSTILE = ['<script>alert("x")</script>', "</style><img src=x onerror=1>", "{{ 7 * 7 }}", "'\"><b>"]


def page_of(*names: str) -> str:
    accounts = tuple(Account(name, TokenSource(env="T"), "http://127.0.0.1:9", None) for name in names)
    with Fleet(Settings(accounts), {"T": "prober-token-4f1c"}, ManualClock()) as fleet:
        return render_page(fleet)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text(name: str) -> None:
    page = page_of(name)
    assert markupsafe.escape(name) in page
    assert "<script" not in page
    assert "onerror=1>" not in page


def test_every_account_is_there_before_anything_is_known() -> None:
    page = page_of("acme", "globex")
    assert page.count("<section>") == 2
    assert "unknown" in page
    assert "waiting" in page
    assert __version__ in page


def test_the_style_on_the_page_is_the_one_that_the_policy_allows() -> None:
    policy = page_headers()["Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", page_of("acme"), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    page = page_of("acme")
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert " style=" not in page
    assert "<script" not in page


def test_the_links_lead_to_what_is_served() -> None:
    with rig(web=replace(Settings(()).web, telemetry_path="/celigo/metrics")) as exporter:
        targets = re.findall(r'href="([^"]+)"', exporter.get("/").text)
        assert "/celigo/metrics" in targets
        exporter.get("/celigo/metrics")
        assert {exporter.get(target).status_code for target in targets} == {200}
