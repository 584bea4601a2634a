"""Dashboards leave the package as Grafana imports them, with the thresholds of the alerts in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards.source.__main__ import main as regenerate
from dashboards.source.boards import BOARDS
from exporter.dashboards.bundle import FOLDER, boards, filled
from exporter.dashboards.export import PROVISIONING, export
from exporter.rules.thresholds import Thresholds, default_thresholds, parse_thresholds

COMMITTED = Path(__file__).parents[2] / "dashboards"
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}
NAMES = pytest.mark.parametrize("name", TEMPLATES)
PLACE = re.compile(r"%\{(\w+)(\.seconds|\.percent)?\}")


def texts(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Everything that stands in a board, with where it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, f"{path}.{number}")
    else:
        yield path, value


def changed() -> Thresholds:
    """Every threshold with a value that is not its default."""
    words = {"job": "else.+", "classes": "value"}
    words |= {"runbook_url": "https://wiki/a", "app_url": "https://app", "grafana_url": "https://grafana"}
    lines = [
        f"{name}: {words.get(name) or ('3m7s' if re.search('[a-z]', value) else '23')}"
        for name, value in default_thresholds().values.items()
    ]
    return parse_thresholds("\n".join(lines), "FILE")


OTHER = changed()
EXPORTED = {"defaults": boards(default_thresholds()), "others": boards(OTHER)}


def test_the_templates_are_made_from_their_source_and_there_are_no_others(tmp_path: Path) -> None:
    regenerate([str(tmp_path)])
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == TEMPLATES, (
        "run `make dashboards`"
    )


def test_a_template_is_made_the_same_twice() -> None:
    for board in BOARDS:
        assert board.text() == board.text()


def test_the_committed_files_are_what_the_command_writes_and_there_are_no_others(tmp_path: Path) -> None:
    export(str(tmp_path), default_thresholds())
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir() if path.is_file()}
    assert written.keys() == {*TEMPLATES, PROVISIONING.name}
    assert committed == written, "run `make dashboards`"
    assert [path.name for path in COMMITTED.iterdir() if path.is_dir()] == ["source"]


@NAMES
def test_no_place_is_left(name: str) -> None:
    for exported in EXPORTED.values():
        assert "%{" not in exported[name]


@NAMES
def test_every_place_has_what_its_threshold_says(name: str) -> None:
    exported = dict(texts(json.loads(EXPORTED["others"][name])))
    for path, template in texts(json.loads(TEMPLATES[name])):
        if isinstance(template, str) and (places := list(PLACE.finditer(template))):
            assert all(said(place) in str(exported[path]) for place in places)


def said(place: re.Match[str]) -> str:
    if place[2] == ".percent":
        return f"{100 * float(OTHER.values[place[1]]):g} %"
    return OTHER.fill(f"${{{place[1]}{place[2] or ''}}}")


@NAMES
def test_all_but_the_places_stays_as_it_is(name: str) -> None:
    exported = dict(texts(json.loads(EXPORTED["others"][name])))
    for path, template in texts(json.loads(TEMPLATES[name])):
        if not isinstance(template, str) or not PLACE.search(template):
            assert exported[path] == template


THRESHOLDS = parse_thresholds("api_errors_ratio: 0.25\nstalled: 2h\nfailed_runs: 7\njob: other\n", "FILE")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("%{api_errors_ratio}", 0.25),
        ("%{failed_runs}", 7),
        ("%{stalled.seconds}", 7200),
        ("%{api_errors_ratio.percent}", "25 %"),
        ("above %{api_errors_ratio.percent} of it", "above 25 % of it"),
        ("for %{stalled}, %{failed_runs} times", "for 2h, 7 times"),
        ('up{job=~"%{job}"}', 'up{job=~"other"}'),
        ("x[%{stalled}] > %{stalled.seconds}", "x[2h] > 7200"),
        ("${__data.fields.app}${datasource} $__range", "${__data.fields.app}${datasource} $__range"),
        (23, 23),
        (None, None),
    ],
)  # fmt: skip
def test_a_place_is_filled_as_a_number_or_within_a_text(template: object, value: object) -> None:
    board = json.loads(filled(json.dumps({"panels": [{"it": template}]}), THRESHOLDS))
    assert board == {"panels": [{"it": value}]}


def test_a_place_of_no_threshold_is_a_mistake_of_the_source() -> None:
    with pytest.raises(KeyError):
        filled('{"title": "over %{nothing}"}', default_thresholds())


def test_grafana_is_told_to_load_a_folder_of_files() -> None:
    content = yaml.safe_load(PROVISIONING.read_text(encoding="utf-8"))
    (provider,) = content["providers"]
    assert content["apiVersion"] == 1
    assert (provider["type"], provider["folder"]) == ("file", "Celigo")
    assert provider["options"]["path"].startswith("/")
    assert isinstance(provider["allowUiUpdates"], bool)
    assert provider["updateIntervalSeconds"] > 0
