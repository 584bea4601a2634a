"""Which exporter this is."""

import json
import platform

import pytest

from exporter import __version__
from exporter.expose.build import UNKNOWN, BuildInfo, build_info, installed_origin, revision

COMMIT = "4e1243bd22c66e76c2ba9eddc1f91394e57f9f83"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (json.dumps({"url": "https://host/x.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}), COMMIT),
        (json.dumps({"url": "file:///x", "dir_info": {"editable": True}}), UNKNOWN),
        (json.dumps({"vcs_info": {"commit_id": 7}}), UNKNOWN),
        (json.dumps({"vcs_info": {"commit_id": ""}}), UNKNOWN),
        (json.dumps({"vcs_info": []}), UNKNOWN),
        (json.dumps([1]), UNKNOWN),
        ("not json", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
    ids=["git", "editable", "number", "empty-commit", "list-inside", "list", "not-json", "empty", "none"],
)
def test_the_revision_is_the_commit_the_installer_recorded(origin: str | None, expected: str) -> None:
    assert revision(origin) == expected


def test_version_and_python_are_those_that_run() -> None:
    assert build_info(lambda: None) == BuildInfo(__version__, UNKNOWN, platform.python_version())


def test_an_installation_without_a_record_is_no_failure() -> None:
    origin = installed_origin()
    assert origin is None or isinstance(json.loads(origin), dict)
    assert build_info().version == __version__
