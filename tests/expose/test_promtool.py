"""Prometheus' own linter and parser read what the exporter writes."""

import subprocess

import pytest

from exporter.expose import catalogue
from exporter.expose.families import Family, Scope
from exporter.expose.render import Format
from tests.conftest import required_tool
from tests.expose.kit import ACME, every_family, ours

HOSTILE = (
    'a "b" \\ c',
    "two\nlines",
    "\\n",
    "}",
    "{",
    "=,#",
    "漢字🚚",
    "\x00\x1b\r\t",
    "half \ud83d",
    "",
    " ",
    "x" * 5000,
)


def check_metrics(document: bytes) -> tuple[int, str]:
    """Exit status and complaints of `promtool check metrics`."""
    tool = required_tool("promtool")
    done = subprocess.run([tool, "check", "metrics"], input=document, capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_promtool_has_nothing_to_say_about_any_family_of_the_catalogue() -> None:
    assert check_metrics(ours(every_family(), Format.TEXT)) == (0, "")


def test_promtool_reads_hostile_names() -> None:
    info = catalogue.INTEGRATION_INFO
    family = Family(info, {(str(number), text): 1.0 for number, text in enumerate(HOSTILE)})
    for scope in (ACME, *(Scope(text, text) for text in HOSTILE)):
        assert check_metrics(ours([family], Format.TEXT, scope)) == (0, "")


@pytest.mark.parametrize(
    "document",
    [b'celigo_up{a="b} 1\n', b"# TYPE celigo_runs counter\nceligo_runs 1\n"],
    ids=["broken", "badly-named"],
)
def test_promtool_complains_when_there_is_something_to_complain_about(document: bytes) -> None:
    status, said = check_metrics(document)
    assert status != 0
    assert said
