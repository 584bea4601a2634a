"""What a real shell completes, and that nobody who does not ask is answered."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli import root
from exporter.commands.completion import SHELLS, VARIABLE
from tests.cli.conftest import Call
from tests.conftest import required_tool


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `celigo-exporter` to be found in $PATH that is this source."""
    path = tmp_path_factory.mktemp("bin") / "celigo-exporter"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m exporter "$@"\n')
    path.chmod(0o755)
    script = subprocess.run([path, "completion", "bash"], capture_output=True, timeout=120, check=True)
    (path.parent / "completion.bash").write_bytes(script.stdout)
    return path


def completed(program: Path, *words: str) -> list[str]:
    """What bash offers after `words`, of which the last one is being written."""
    line = " ".join(map(shlex.quote, ("celigo-exporter", *words)))
    script = (
        f"source {shlex.quote(str(program.parent))}/completion.bash\n"
        'compopt() { printf "ask for: %s %s\\n" "$@"; }\n'
        f"COMP_WORDS=({line}); COMP_CWORD={len(words)}\n_celigo_exporter_completion celigo-exporter\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        [required_tool("bash"), "--norc", "-c", script], env=environ, capture_output=True, text=True, timeout=120
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.split("\n")[:-1]


def test_an_empty_line_offers_every_command_and_nothing_else(program: Path) -> None:
    assert completed(program, "") == sorted(root.commands)


def test_a_command_below_a_group_is_offered(program: Path) -> None:
    assert completed(program, "rules", "e") == ["export"]


def test_flags_of_serve_are_offered_without_its_name(program: Path) -> None:
    assert {"--config.file", "--web.listen-address", "--version"} <= set(completed(program, "--"))
    assert completed(program, "--config") == completed(program, "serve", "--config") == ["--config.file"]


@pytest.mark.parametrize("words", [["--log.format", ""], ["check", "--log.format", ""], ["--log.format", "="]])
def test_a_flag_of_few_words_offers_them(program: Path, words: list[str]) -> None:
    assert completed(program, *words) == ["logfmt", "json"]


def test_a_value_after_an_equals_sign_is_completed_as_bash_divides_it(program: Path) -> None:
    assert completed(program, "--log.format", "=", "j") == ["json"]
    assert completed(program, "--config.file", "=", "x", "--log.format", "=", "l") == ["logfmt"]


@pytest.mark.parametrize(
    ("shell", "answer"), [("zsh", "plain\n--log.format=json\n_\n"), ("fish", "plain,--log.format=json\n")]
)
def test_a_value_after_an_equals_sign_is_completed_with_its_flag_elsewhere(
    program: Path, shell: str, answer: str
) -> None:
    asked = {VARIABLE: f"{shell}_complete", "COMP_WORDS": "celigo-exporter --log.format=j"}
    asked["COMP_CWORD"] = "--log.format=j" if shell == "fish" else "1"
    ran = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, answer, "")


@pytest.mark.parametrize("words", [["--config.file", ""], ["rules", "export", "--thresholds", "x"]])
def test_names_of_files_are_left_to_the_shell(program: Path, words: list[str]) -> None:
    assert completed(program, *words)[0] == "ask for: -o default"


def test_a_folder_is_left_to_the_shell(program: Path) -> None:
    assert completed(program, "dashboards", "export", "")[0] == "ask for: -o dirnames"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_of_the_shell_that_asks_the_program(call: Call, shell: str) -> None:
    ended = call("completion", shell, environ={})
    assert (ended.status, ended.err) == (0, "")
    assert f"{VARIABLE}={shell}_complete" in ended.out


def test_another_shell_is_one_clear_line(call: Call) -> None:
    ended = call("completion", "csh", environ={})
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert all(shell in ended.err for shell in SHELLS)


@pytest.mark.parametrize("question", ["bash_complete", "csh_complete", "nonsense"])
def test_a_question_without_words_is_refused_without_a_traceback(call: Call, question: str) -> None:
    ended = call("--version", environ={VARIABLE: question})
    assert (ended.status, ended.out, ended.err) == (1, "", "")


def test_an_empty_question_is_none(call: Call) -> None:
    assert call("--version", environ={VARIABLE: ""}).status == 0
