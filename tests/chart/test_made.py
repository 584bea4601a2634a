"""What of the chart is made is what stands in it, and it says nothing that is not so."""

import base64
import gzip
import json
import re
import tarfile
from pathlib import Path

import helm_python
import pytest
import yaml

from exporter import __version__
from helm.source.__main__ import CHART as MADE_IN
from helm.source.__main__ import made
from helm.source.comments import Uncommented, values
from tests.chart.rendering import CHART, COMMITTED, MINIMAL, SETS, release, render

ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))


def test_everything_that_is_made_is_committed_as_it_is_made_now() -> None:
    files = made()
    assert MADE_IN == CHART
    assert {name for name, text in files.items() if (CHART / name).read_text(encoding="utf-8") != text} == set()
    held = {path.relative_to(CHART).as_posix() for path in (CHART / "files").rglob("*") if path.is_file()}
    assert held == {name for name in files if name.startswith("files/")}


def test_the_chart_is_of_the_exporters_version() -> None:
    assert ABOUT["appVersion"] == __version__


def test_every_value_says_what_it_means() -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    found = list(values(text))
    assert len(found) > 90
    assert all(value.meaning.endswith((".", ":")) or "://" in value.meaning for value in found)
    with pytest.raises(Uncommented, match=r"image\.mirror"):
        list(values(text.replace("  pullPolicy: IfNotPresent\n", "  pullPolicy: IfNotPresent\n  mirror: a\n")))


def test_every_value_that_a_template_reads_exists() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    read = {
        path
        for template in (CHART / "templates").rglob("*.*")
        for path in re.findall(r"\.Values\.([A-Za-z.]*[A-Za-z])", template.read_text(encoding="utf-8"))
    }
    assert len(read) > 40
    for path in read:
        at = defaults
        for name in path.split("."):
            assert name in at, path
            at = at[name]


def test_no_text_of_the_values_is_a_template() -> None:
    for template in (CHART / "templates").rglob("*.*"):
        assert not re.search(r"\btpl\b", template.read_text(encoding="utf-8")), template.name


def test_the_package_has_what_is_needed_and_nothing_else(tmp_path: Path) -> None:
    with tarfile.open(helm_python.package(CHART, destination=tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "Chart.yaml",
        "README.md",
        "values.schema.json",
        "files/rules.json",
        "files/dashboards/celigo-flow.json",
    }
    assert not [name for name in names if name.startswith("ci/")]


def test_a_release_with_everything_fits_into_the_secret_that_helm_keeps_it_in() -> None:
    found = release("monitoring")
    with helm_python.Chart.load(CHART) as chart:
        held = [*chart.templates, *chart.files]
    whole = {
        "chart": [{"name": each["name"], "data": base64.b64encode(each["data"].encode()).decode()} for each in held],
        "schema": base64.b64encode((CHART / "values.schema.json").read_bytes()).decode(),
        "manifest": "\n---\n".join(found.texts.values()),
        "notes": found.notes,
    }
    # Helm packs what it keeps and writes it in base64; Kubernetes, which takes 1 MiB, does the latter again.
    kept = base64.b64encode(gzip.compress(json.dumps(whole).encode(), 9))
    assert 100_000 < len(kept) < 900_000


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (CHART / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (CHART / target).exists(), target


def test_the_values_on_the_page_are_ones_that_the_chart_takes() -> None:
    page = (CHART / "../../docs/kubernetes.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]
    assert any("probe" in block for block in blocks)
    for block in blocks:
        named = ["acme", *block.get("probe", {}).get("accounts", {})]
        render({"accounts": [{"name": name, "existingSecret": {"name": "celigo"}} for name in named], **block})


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_set_says_what_it_is_for(name: str) -> None:
    assert (CHART / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("minimal", "create secret generic celigo-acme --from-file=token=FILE"),
        ("minimal", "helm test test --namespace monitoring --logs"),
        ("minimal", "serviceMonitor.enabled is off"),
        ("minimal", "prometheusRule.enabled is off"),
        ("minimal", "dashboards.enabled is off"),
        ("no-volume", "port-forward service/test-celigo-exporter 10940:10940"),
        ("no-service", "port-forward statefulset/test-celigo-exporter 10940"),
        ("authentication", "serviceMonitor.labels is empty"),
        ("authentication", "https://localhost:10940/"),
        ("image-and-service", "replicas is 0"),
        ("probe-authentication", "probe.labels is empty"),
        (
            "probe-authentication",
            "serviceMonitor.enabled is off: accounts are probed",
        ),
        ("demo", "a simulated account with 500 flows"),
        ("accounts", "both on"),
        ("accounts", "elsewhere: /mnt/vault/elsewhere"),
    ],
)
def test_notes_say_what_to_do_next_and_what_is_missing(name: str, said: str) -> None:
    assert said in release(name).notes


def test_notes_complain_of_nothing_when_nothing_is_missing() -> None:
    assert "Worth a look" not in release("monitoring").notes
    assert "Worth a look" in release("minimal").notes


def test_notes_tell_what_is_scraped_too_seldom() -> None:
    times = {"acme": {"interval": "2m1s"}, "acme-sandbox": {"interval": "2m"}}
    notes = render({**SETS["probe"], "probe": {"enabled": True, "accounts": times}}).notes
    assert "Account acme is scraped every 2m1s" in notes
    assert notes.count("is scraped every") == 1
    alone = render({**MINIMAL, "serviceMonitor": {"enabled": True, "interval": "1h"}}).notes
    assert "The exporter is scraped every 1h" in alone


def test_notes_do_not_say_that_nothing_is_read_when_accounts_are_probed() -> None:
    said = "nothing is read from integrator.io"
    assert said in release("minimal").notes
    assert said not in release("probe").notes + release("probe-authentication").notes


def test_a_secret_that_two_accounts_share_is_made_once() -> None:
    shared = {"name": "shared"}
    accounts = [{"name": name, "existingSecret": shared} for name in ("a", "b")]
    assert render({"accounts": accounts}).notes.count("create secret generic shared") == 1
