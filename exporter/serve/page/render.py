"""From the exporter's memory to the page as it is sent, and the headers that keep a browser from anything else."""

import base64
import gzip
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from exporter.account import AccountRuntime
from exporter.expose.build import build_info
from exporter.serve.fleet import Fleet
from exporter.serve.page.account import account_page
from exporter.serve.page.configuration import configuration
from exporter.serve.page.moment import Moment
from exporter.serve.page.overview import Summary, accounts_up, overview, probe_link, summaries
from exporter.serve.page.standing import standing
from exporter.serve.page.trouble import Troubles
from exporter.serve.page.views import Mark, Notice, Page, Rendered, Tile, Tone
from exporter.serve.page.words import ago, counted, in_words, size, visible
from exporter.serve.state import state_class, state_line

_GZIP_LEVEL = 5


def _resource(name: str) -> str:
    return files("exporter.serve.page").joinpath("templates").joinpath(name).read_text("utf-8")


@cache
def page_headers() -> Mapping[str, str]:
    """One style, one script, the page itself and nothing else: a flow may be called anything."""
    style, script = (_hash(_resource(name)) for name in ("page.css", "page.js"))
    return {
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src '{style}'; script-src '{script}'; connect-src 'self'; img-src data:",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_resource),
    )
    environment.globals |= {
        "icon": _icon,
        "style": _resource("page.css"),
        "script": _resource("page.js"),
        "assets": _hash(_resource("page.css") + _resource("page.js"))[-12:-1],
    }
    return environment.get_template("page.html")


def _icon(tone: Tone) -> str:
    """The page's sign in a browser's tab: the state by shape as well as by colour."""
    colour, shape = _ICONS[tone]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8" '
        f'fill="{colour}"/><path d="{shape}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>'
    )


_ICONS: Mapping[Tone, tuple[str, str]] = {
    "good": ("#1f7a4a", "M4.5 8.5l2.5 2.5 4.5-5.5"),
    "warn": ("#a86200", "M8 4v5M8 12v.01"),
    "bad": ("#c0342b", "M5 5l6 6M11 5l-6 6"),
    "wait": ("#68737f", "M4.5 8h.01M8 8h.01M11.5 8h.01"),
}


def render(fleet: Fleet, troubles: Troubles, name: str | None = None, number: int = 1) -> Rendered:
    """The overview's page `number`, or all about the account `name`; with a single account that is the same."""
    page = _page(fleet, troubles, name, number)
    content = _template().render(page=page).encode("utf-8", "replace")
    return Rendered(404 if page.unknown else 200, content, gzip.compress(content, _GZIP_LEVEL, mtime=0))


def _page(fleet: Fleet, troubles: Troubles, name: str | None, number: int) -> Page:
    moment = Moment.of(fleet, troubles)
    only = moment.named(name)
    unknown = only is None and name is not None
    found = [] if only is not None or unknown else summaries(moment)
    state, summary = _state(moment, only, found, unknown=unknown)
    text, note = configuration(moment.settings, only)
    named = None if unknown else name
    return Page(
        title=f"{summary} - celigo-exporter",
        state=state,
        summary=summary,
        as_of=in_words(moment.wall),
        version=build_info().version,
        base=moment.base,
        metrics=moment.base + moment.settings.web.telemetry_path if named is None else probe_link(moment.base, named),
        build=tuple(_build(fleet, moment)),
        notices=tuple(_notices(fleet, moment)),
        configuration=text,
        configuration_note=note,
        overview=None if only is not None or unknown else overview(found, number, moment.base, moment.wall),
        account=None if only is None else account_page(moment, only),
        way_back=name is not None,
        unknown=unknown,
    )


def _state(moment: Moment, only: AccountRuntime | None, found: list[Summary], *, unknown: bool) -> tuple[Mark, str]:
    """The worst state there is, and a sentence that is the page's title too."""
    if unknown:
        return Mark("wait", "unknown"), "No account of this name"
    if only is not None:
        mark = standing(only, moment.now).mark
        return mark, f"{visible(only.account.name)} is {mark.word}"
    worst = found[0].standing.mark if found else Mark("wait", "waiting")
    return worst, accounts_up(found)


def _notices(fleet: Fleet, moment: Moment) -> Iterator[Notice]:
    """What concerns all accounts."""
    status, reload = fleet.state, fleet.reloads.status
    if state_class(status) == "failed":
        yield Notice("bad", "counters", state_line(status, moment.settings.state.place))
    if reload.problem is not None:
        yield Notice(
            "warn",
            "configuration",
            f"the newest one was rejected: {reload.problem}",
            f"the one that was good {ago(reload.succeeded_at, moment.wall)} is in effect; correct what the line says, "
            "try it with celigo-exporter config check, and reload again",
        )


def _build(fleet: Fleet, moment: Moment) -> Iterator[Tile]:
    """Which exporter this is, and how it keeps what it counted."""
    info, status = build_info(), fleet.state
    yield Tile("Version", info.version)
    yield Tile("Revision", info.revision[:12])
    yield Tile("Python", info.python_version)
    yield Tile("Configuration read", ago(fleet.reloads.status.succeeded_at, moment.wall))
    kept = "" if status.size_bytes is None else f" ({size(status.size_bytes)})"
    yield Tile("State", f"{state_line(status, moment.settings.state.place)}{kept}")
    failures = sum(status.failures.values())
    if failures:
        yield Tile("State failures", counted(failures, "time", "times"), "since the start")
