"""What somebody sees who types `make demo` and nothing else."""

import subprocess

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.expose.catalogue import CATALOGUE
from tests.e2e.processes import Demo, until

NAMES = {metric.name.removesuffix("_total") for metric in CATALOGUE}


def families(demo: Demo) -> set[str]:
    text = requests.get(f"{demo.url}/metrics", timeout=30).text
    return {family.name for family in parse_text(text) if family.samples}


def test_the_demo_serves_over_forty_families_of_the_catalogue(demo: Demo) -> None:
    until(lambda: len(families(demo) & NAMES) > 40, "over 40 families")
    found = families(demo) & NAMES
    print(f"{len(found)} families of the catalogue")
    assert len(found) > 40


def test_promtool_has_nothing_to_say_about_the_demo(demo: Demo, promtool: str) -> None:
    until(lambda: len(families(demo) & NAMES) > 40, "the demo knows its account")
    text = requests.get(f"{demo.url}/metrics", timeout=30).content
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_every_exported_family_is_in_the_catalogue_with_its_type_and_labels(demo: Demo) -> None:
    until(lambda: len(families(demo) & NAMES) > 40, "the demo knows its account")
    known = {metric.name.removesuffix("_total"): metric for metric in CATALOGUE}
    text = requests.get(f"{demo.url}/metrics", timeout=30).text
    for family in parse_text(text):
        metric = known[family.name]
        scope = {"account", "environment"} if metric.scoped else set()
        expected = scope | set(metric.labels)
        assert family.type == metric.type, family.name
        assert family.documentation.startswith(metric.help), family.name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == expected, sample


def test_every_family_of_the_catalogue_is_exported_by_the_demo(demo: Demo) -> None:
    """The other way round, after the sample account was given one of everything."""
    wanted = NAMES - NEVER_IN_A_HEALTHY_DEMO
    until(lambda: wanted <= families(demo), f"all of {sorted(wanted)}", 120)


NEVER_IN_A_HEALTHY_DEMO = {
    "celigo_api_clock_skew_seconds",  # exporter and simulator share a clock
    "celigo_exporter_collector_disabled",  # nothing is refused
    "celigo_exporter_replica_accounts",  # the demo is alone
    "celigo_exporter_replica_leading",  # same
    "celigo_exporter_replica_terms",  # same
    "celigo_exporter_replicas",  # same
    "celigo_exporter_state_failures",  # the demo counts in memory
    "celigo_exporter_state_size_bytes",  # same
    "celigo_exporter_web_config_last_reload_success_timestamp_seconds",  # the demo has no web configuration
    "celigo_exporter_web_config_last_reload_successful",  # same
}
"""Families whose subject does not exist in the demo; tests of their parts show them."""


def test_openmetrics_is_served_when_asked_for(demo: Demo) -> None:
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    answer = requests.get(f"{demo.url}/metrics", headers=accept, timeout=30)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert len(list(parse_openmetrics(answer.text))) > 20  # type: ignore[no-untyped-call]  # the library's parser


def test_the_demo_tells_what_to_open(demo: Demo) -> None:
    until(lambda: demo.url in demo.stdout(), "the demo printed its address")
    printed = demo.stdout()
    assert f"{demo.url}/metrics" in printed
    assert demo.control_url in printed


def test_sigterm_ends_the_demo_within_five_seconds() -> None:
    with Demo("--flows=12") as demo:
        demo.answering(f"{demo.url}/-/ready")
        status, seconds = demo.terminate()
        assert status == 0, demo.stderr()
        assert seconds < 5
