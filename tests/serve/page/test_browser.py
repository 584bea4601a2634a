"""The page in a real browser: it looks right at any width, runs nothing foreign, and keeps itself up to date."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest

from tests.browser import Chromium, Watched
from tests.serve.page.stage import HOSTILE, Stage

ACCOUNTS = ("acme", "globex", HOSTILE[1])
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATHS = ("/", *(f"/?account={quote(name)}" for name in ACCOUNTS))

CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
"""Texts whose contrast with what is behind them is below what WCAG 2 AA asks for."""


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_has_nothing_to_complain_and_asks_for_the_page_alone(
    troubled: Stage, chromium: Chromium, path: str
) -> None:
    with chromium.page() as watched:
        watched.page.goto(troubled.url + path)
        watched.page.wait_for_load_state("networkidle")
        assert watched.complaints == []
        assert [url for url in watched.requests if not url.startswith("data:")] == [troubled.url + path]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_sticks_out_and_everything_can_be_read_at_any_width_in_light_and_dark(
    troubled: Stage, chromium: Chromium, path: str
) -> None:
    with chromium.page() as watched:
        page = watched.page
        page.goto(troubled.url + path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width
        grounds = set()
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert page.evaluate(CONTRAST) == []
        assert len(grounds) == len(SCHEMES)


def test_hostile_names_are_shown_and_none_is_run(troubled: Stage, chromium: Chromium) -> None:
    with chromium.page() as watched:
        watched.page.goto(troubled.url + PATHS[3])
        shown = watched.page.inner_text("#failing")
        for name in (HOSTILE[0], HOSTILE[2], HOSTILE[3]):
            assert name in shown
        for link in watched.page.locator("#failing a").all()[:6]:
            link.hover()
        assert watched.page.evaluate("window.hit") is None
        assert watched.page.evaluate("document.querySelectorAll('img, svg, script').length") == 1


def test_every_link_leads_to_the_page_itself_or_to_the_accounts_own_application(
    troubled: Stage, chromium: Chromium
) -> None:
    with chromium.page() as watched:
        for path in PATHS:
            watched.page.goto(troubled.url + path)
            targets = watched.page.evaluate("[...document.links].map((link) => new URL(link.href).origin)")
            assert set(targets) <= {troubled.url, "https://eu.integrator.io"}
        assert "https://eu.integrator.io" in targets


def test_without_javascript_everything_is_there_and_the_page_reloads(troubled: Stage, chromium: Chromium) -> None:
    with chromium.page(java_script_enabled=False) as watched:
        watched.page.goto(troubled.url + PATHS[2])
        assert "globex is down" in watched.page.inner_text("h1")
        for section in ("#flows", "#offline", "#collectors", "#calls", "#series", "#configuration", "footer"):
            assert watched.page.locator(section).count() == 1
        watched.page.click("#configuration summary")
        assert "token_env: CELIGO_TOKEN" in watched.page.inner_text("#configuration pre")
        assert watched.page.locator("head noscript").inner_html() == '<meta http-equiv="refresh" content="15">'
        assert "Reloads every 15 seconds" in watched.page.inner_text("footer")


def ticking(watched: Watched, url: str) -> Callable[[float], None]:
    """Open a page whose timers move only when the test lets seconds pass."""
    watched.page.clock.install()
    watched.page.goto(url)
    return lambda seconds: watched.page.clock.run_for(round(seconds * 1000))


def test_what_changes_appears_without_a_reload_and_the_readers_place_stays(healthy: Stage, chromium: Chromium) -> None:
    with chromium.page(height=500) as watched:
        page, pass_time = watched.page, ticking(watched, healthy.url)
        assert "acme is up" in page.title()
        icon = page.get_attribute("link[rel=icon]", "href")
        page.evaluate("window.mark = document.querySelector('#collectors'); window.mark.kept = true")
        page.click("#configuration summary")
        page.focus("#calls summary")
        page.evaluate("window.scrollTo(0, 600)")
        incident = healthy.simulators[0].inject("token_revoked")
        try:
            healthy.collect()
            pass_time(6)
            page.wait_for_selector("h1:has-text('acme is down')")
        finally:
            healthy.simulators[0].lift(incident)
        assert "acme is down" in page.title()
        assert "the token is wrong" in page.inner_text(".notices")
        assert page.get_attribute("link[rel=icon]", "href") != icon
        assert page.evaluate("document.querySelector('#collectors').kept") is True
        assert page.evaluate("document.querySelector('#configuration').open") is True
        assert page.evaluate("document.activeElement.closest('section').id") == "calls"
        assert page.evaluate("window.scrollY") > 0
        assert watched.complaints == []


def test_a_page_that_nobody_looks_at_asks_for_nothing(healthy: Stage, chromium: Chromium) -> None:
    with chromium.page() as watched:
        pass_time = ticking(watched, healthy.url)
        hide(watched, hidden=True)
        before = len(watched.requests)
        pass_time(60)
        assert len(watched.requests) == before
        with watched.page.expect_request(f"{healthy.url}/"):
            hide(watched, hidden=False)


def hide(watched: Watched, *, hidden: bool) -> None:
    """Let the page be in a tab behind another, or in front again."""
    watched.page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{value: {json.dumps(hidden)}, configurable: true}});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


def test_an_exporter_that_does_not_answer_is_told_and_so_is_its_return(healthy: Stage, chromium: Chromium) -> None:
    with chromium.page() as watched:
        page, pass_time = watched.page, ticking(watched, healthy.url)
        assert page.is_hidden("#lost")
        page.route("**/*", lambda route: route.abort())
        pass_time(6)
        page.wait_for_selector("#lost:visible")
        told = page.inner_text("#lost")
        assert "has not answered since" in told
        assert page.title().startswith("No answer - ")
        pass_time(6)
        assert page.inner_text("#lost") == told, "since when does not move on"
        page.unroute("**/*")
        pass_time(6)
        page.wait_for_selector("#lost", state="hidden")
        assert not page.title().startswith("No answer")


FOCUSED = """() => {
  const at = document.activeElement;
  return at === document.body ? {} : {[at.textContent.trim().slice(0, 40)]: getComputedStyle(at).outlineStyle};
}"""
"""What has the focus, and the line around it."""


def test_a_keyboard_reaches_everything_and_shows_where_it_is(troubled: Stage, chromium: Chromium) -> None:
    with chromium.page() as watched:
        page = watched.page
        page.goto(troubled.url + PATHS[1])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the content"
        seen: dict[str, str] = {}
        for _ in range(page.evaluate("document.querySelectorAll('a, summary, [tabindex]').length")):
            page.keyboard.press("Tab")
            seen |= page.evaluate(FOCUSED)
        assert {name for name, outline in seen.items() if outline == "none"} == set()
        assert {"Metrics", "All accounts", "Overdue", "Configuration", "By family, largest first"} <= seen.keys()


def test_the_page_has_a_language_headings_captions_and_scopes(troubled: Stage, chromium: Chromium) -> None:
    with chromium.page() as watched:
        watched.page.goto(troubled.url + PATHS[1])
        assert watched.page.get_attribute("html", "lang") == "en"
        assert watched.page.locator("h1").count() == 1
        assert watched.page.locator("section:not(:has(h2))").count() == 0
        assert watched.page.locator("table:not(:has(caption))").count() == 0
        assert watched.page.locator("th:not([scope])").count() == 0
        ids = watched.page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))
