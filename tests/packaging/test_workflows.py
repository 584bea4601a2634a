"""What the workflows may do, and that what they call exists. `make audit` looks closer, with tools made for it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from tests.packaging.workflows import FILES, Job, actions, jobs, read, scripts

ROOT = Path(__file__).parents[2]
JOBS = tuple(jobs())
EACH_JOB = pytest.mark.parametrize("job", JOBS, ids=lambda job: f"{job.file}-{job.name}")
MAY_WRITE = {
    ("release", "build"): {"id-token", "attestations"},
    ("release", "image"): {"packages", "id-token", "attestations"},
    ("release", "chart"): {"packages", "id-token"},
    ("release", "pypi"): {"id-token"},
    ("release", "github"): {"contents"},
    ("codeql", "analyze"): {"security-events"},
}
"""The jobs that may change something, and what."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_itself_may_nothing(file: Path) -> None:
    assert read(file)["permissions"] == {}
    assert "pull_request_target" not in read(file)["on"]
    assert "workflow_run" not in read(file)["on"]


@EACH_JOB
def test_a_job_may_change_what_it_has_to_and_nothing_else(job: Job) -> None:
    permissions = job.body["permissions"]
    assert set(permissions.values()) <= {"read", "write"}
    assert {name for name, kind in permissions.items() if kind == "write"} == MAY_WRITE.get((job.file, job.name), set())
    assert {name for name, kind in permissions.items() if kind == "read"} <= {"contents"}


@EACH_JOB
def test_a_job_ends_at_some_time(job: Job) -> None:
    assert job.body.get("timeout-minutes", 0) > 0 or "uses" in job.body


def test_no_checkout_leaves_a_token_behind() -> None:
    checkouts = [step for _, step, name, _ in actions() if name == "actions/checkout"]
    assert len(checkouts) > 5
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_has_an_expression_in_it() -> None:
    """What a stranger can write, such as a title, would be run; variables are data."""
    found = [(job.file, job.name) for job, script in scripts() if "${{" in script]
    assert found == []


def test_every_action_is_of_a_release_and_the_same_everywhere() -> None:
    known: dict[str, str] = {}
    for _, _, name, version in actions():
        assert re.fullmatch(r"(release/)?v\d+(\.\d+)*|[0-9a-f]{40}", version), name
        assert known.setdefault(name, version) == version


def test_only_a_few_owners_actions_are_used() -> None:
    owners = {name.split("/")[0] for _, _, name, _ in actions()}
    assert owners == {"actions", "github", "docker", "sigstore", "pypa"}


def test_what_scripts_call_in_this_repository_exists_and_can_be_run() -> None:
    called = {path for _, script in scripts() for path in re.findall(r"(?<![\w./])\.ci/[\w-]+", script)}
    assert called == {".ci/run", ".ci/try-image", ".ci/release-notes"}
    for path in called:
        assert os.access(ROOT / path, os.X_OK)
        subprocess.run(["/bin/sh", "-n", ROOT / path], check=True, timeout=60)


def test_files_that_are_named_exist() -> None:
    text = "\n".join(script for _, script in scripts())
    for name in re.findall(r"(?<![\w./])(constraints[\w-]*\.txt|deploy/[\w./-]+\.yml|pyproject\.toml)", text):
        assert (ROOT / name).is_file(), name


def test_make_targets_that_are_called_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {word for _, script in scripts() for word in re.findall(r"\bmake ([a-z]+)", script)}
    assert called == {"audit", "fuzz"}
    assert called <= targets


def test_nothing_is_published_before_all_tests_passed() -> None:
    release = read(ROOT / ".github/workflows/release.yml")["jobs"]
    needed = {name: job.get("needs", []) for name, job in release.items()}
    assert release["test"]["uses"] == "./.github/workflows/ci.yml"
    for name in set(release) - {"test"}:
        reached, todo = set(), [name]
        while todo:
            below = needed[todo.pop()]
            todo += (new := [each for each in ([below] if isinstance(below, str) else below) if each not in reached])
            reached |= set(new)
        assert "test" in reached, name


def test_what_is_published_is_signed_or_attested_by_the_job_that_pushes_it() -> None:
    release = {job.name: job for job in JOBS if job.file == "release"}
    for name in ("image", "chart"):
        assert any("cosign sign --yes" in script for job, script in scripts() if job == release[name])
    used = {(job.name, name) for job, _, name, _ in actions() if job.file == "release"}
    assert {(name, "actions/attest-build-provenance") for name in ("build", "image")} <= used
    assert ("build", "actions/attest-sbom") in used


def test_the_image_is_for_both_processors_with_provenance_and_contents() -> None:
    (push,) = [step["with"] for _, step, name, _ in actions() if name == "docker/build-push-action"]
    assert set(push["platforms"].split(",")) == {"linux/amd64", "linux/arm64"}
    assert (push["provenance"], push["sbom"]) == ("mode=max", True)
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {line.split("=")[0] for line in push["build-args"].splitlines()} <= declared


def notes(version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / ".ci/release-notes", version], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_notes_of_a_version_are_its_section_of_the_changelog() -> None:
    ended = notes("Unreleased")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("### Added\n")
    assert ended.stdout.rstrip() in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("version", ["9.9.9", "Unreleased]", ".*", ""])
def test_a_version_without_a_section_is_not_released(version: str) -> None:
    ended = notes(version)
    assert (ended.returncode, ended.stdout) == (1, "")


def test_renovate_pins_actions_and_images_and_leaves_packages_to_dependabot() -> None:
    renovate = json.loads((ROOT / "renovate.json").read_text())
    assert {"docker:pinDigests", "helpers:pinGitHubActionDigestsToSemver"} <= set(renovate["extends"])
    dependabot = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    assert [update["package-ecosystem"] for update in dependabot["updates"]] == ["pip"]
    assert not any("pip" in manager for manager in renovate["enabledManagers"])


def test_the_version_is_one_that_a_tag_can_name() -> None:
    (pattern,) = read(ROOT / ".github/workflows/release.yml")["on"]["push"]["tags"]
    assert pattern == "v[0-9]+.[0-9]+.[0-9]+*"
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
