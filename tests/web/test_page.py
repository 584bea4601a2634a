"""docs/web.md says what the code does: keys, defaults, names, bounds, reasons."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from exporter.config.keys import Key
from exporter.web import keys, throttle
from exporter.web.headers import HEADERS
from exporter.web.limits import HEADER_BYTES, Limits
from exporter.web.parse import COST_MAX, COST_MIN, parse_web_config
from exporter.web.settings import CLIENT_AUTHS, TLS_VERSIONS, Pem, Tls
from exporter.web.suites import CURVES, SUITES, SUITES_13
from exporter.web.tally import REASONS
from tests.web.places import HASH

TEXT = (Path(__file__).parents[2] / "docs" / "web.md").read_text(encoding="utf-8")
DEFAULTS = Tls(Pem(), Pem())


def section(title: str) -> str:
    return re.split(r"\n##+ ", TEXT.partition(f" {title}\n")[2])[0]


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| Key"))]


def key_rows(known: Collection[Key]) -> Iterator[str]:
    for key in known:
        default = getattr(DEFAULTS, key.name, None) if known is keys.TLS else None
        shown = str(default).lower() if isinstance(default, bool) else default
        yield f"| `{key.name}` | {f'`{shown}`' if shown else ''} | {key.meaning} |"


@pytest.mark.parametrize(
    ("title", "known"),
    [("`tls_server_config`", keys.TLS), ("`http_server_config`", keys.HTTP), ("`rate_limit`", keys.RATE)],
)
def test_every_key_is_there_with_its_default_and_meaning(title: str, known: Collection[Key]) -> None:
    assert rows(section(title)) == list(key_rows(known))


def test_the_sections_are_those_of_the_file() -> None:
    assert re.findall(r"^### `(\w+)`", TEXT, re.MULTILINE) == list(keys.SECTIONS)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("`tls_server_config`", (*SUITES, *SUITES_13, *CURVES, *TLS_VERSIONS, *CLIENT_AUTHS)),
        ("`http_server_config`", tuple(HEADERS)),
    ],
)
def test_every_name_is_there(title: str, names: Collection[str]) -> None:
    assert not [name for name in names if f"`{name}`" not in section(title)]


def test_no_suite_is_there_that_is_not_taken() -> None:
    assert set(re.findall(r"`(TLS_\w+)`", TEXT)) == {*SUITES, *SUITES_13}


def test_the_bounds_are_those_of_the_code() -> None:
    bounds = Limits()
    assert rows(section("Who waits, waits for himself"))[1:7] == [
        f"| a TLS handshake | after {bounds.handshake:g} s |",
        f"| a request line with its headers, from its first byte or the connection | after {bounds.headers:g} s |",
        f"| a connection without a further request | after {bounds.idle:g} s |",
        f"| an answer that is not read | after {bounds.write:g} s |",
        f"| connections at once | {bounds.connections}, half of the process's limit on open files if that is less |",
        f"| connections of one address | {bounds.per_peer} |",
    ]
    words = " ".join(TEXT.split())
    assert f"{HEADER_BYTES // 1024} KiB" in words
    assert f"a cost from {COST_MIN} to {COST_MAX}" in words
    assert f"| up to {COST_MAX} |" in TEXT
    assert f"After {throttle.FREE_ATTEMPTS} wrong passwords" in words
    assert f"{throttle.FIRST_SECONDS:g} s at first" in words
    assert f"up to {throttle.LONGEST_SECONDS:g} s" in words
    assert f"{throttle.FORGET_SECONDS / 60:g} minutes" in words


def test_every_reason_is_explained() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section("Who waits, waits for himself"), re.MULTILINE)
    assert sorted(listed) == sorted(REASONS)


def test_the_example_is_taken() -> None:
    example = TEXT.split("```yaml\n", 1)[1].split("```", 1)[0].replace("$2y$10$...", HASH)
    config = parse_web_config(example, "web.yml")
    assert config.tls is not None
    assert set(config.users) == {"prometheus"}
