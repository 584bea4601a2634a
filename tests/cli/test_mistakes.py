"""A mistake in flags or settings is one line on standard error, nothing on standard output, and exit status 2."""

import socket
from pathlib import Path

import pytest

from exporter import __version__
from tests.cli.conftest import Call

COMMANDS = ("serve", "check", "metrics", "demo", "simulator", "config", "rules", "dashboards")
LOOKS_LIKE_TOKEN = "0123456789abcdef0123456789abcdef"

EXTRA = "Got unexpected extra argument; a configuration file is given by --config.file=FILE"

MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown command": (["serv"], "celigo-exporter: No such command 'serv'."),
    "unknown flag": (["--nosuch"], "celigo-exporter serve: No such option '--nosuch'."),
    "unknown flag of a command": (["check", "--nosuch=1"], "celigo-exporter check: No such option '--nosuch'."),
    "web file absent": (["--web.config.file=/nonexistent/web.yml"], "/nonexistent/web.yml: this file does not exist"),
    "web file empty": (["--web.config.file="], "Invalid value for '--web.config.file': expected the name of a file"),
    "flag without value": (["check", "--config.file"], "Option '--config.file' requires an argument."),
    "empty file name": (["--config.file="], "Invalid value for '--config.file': expected the name of a file"),
    "argument too many": (["serve", "now"], f"celigo-exporter serve: {EXTRA}"),
    "command after a flag": (["--log.level=info", "check"], f"celigo-exporter serve: {EXTRA}"),
    "file without its flag": (["config", "check", "celigo.yml"], f"celigo-exporter config check: {EXTRA}"),
    "argument too many of a command without files": (
        ["completion", "bash", "zsh"],
        "celigo-exporter completion: Got unexpected extra argument",
    ),
    "group alone": (["config"], "celigo-exporter: expected a command; see --help"),
    "unknown in the group": (["config", "chekc"], "celigo-exporter config: No such command 'chekc'."),
    "bad level": (["--log.level=loud"], "'loud' is not one of 'debug', 'info', 'warning', 'error'."),
    "bad format": (["check", "--format=xml"], "'xml' is not one of 'text', 'json'."),
    "bad address": (["--web.listen-address=10940"], "expected HOST:PORT, :PORT or [IPv6]:PORT with a port from 0 to"),
    "same address twice": (
        ["--web.listen-address=:1", "--web.listen-address=:1"],
        "celigo-exporter serve: --web.listen-address: the same address is given twice",
    ),
    "path of another page": (["--web.telemetry-path=/"], "expected a path such as /metrics"),
    "external URL": (["--web.external-url=example.com"], "expected a URL that starts with https://"),
    "offset word": (["--timeout-offset=soon"], "expected seconds from 0 to 60, such as 0.5"),
    "offset not a number": (["--timeout-offset=nan"], "expected seconds from 0 to 60, such as 0.5"),
    "offset negative": (["--timeout-offset=-1"], "expected seconds from 0 to 60, such as 0.5"),
    "offset too long": (["--timeout-offset=61"], "expected seconds from 0 to 60, such as 0.5"),
    "flows negative": (["demo", "--flows=-1"], "-1 is not in the range 0<=x<=100000."),
    "flows word": (["simulator", "--flows=many"], "'many' is not a valid integer"),
    "speed": (["demo", "--speed=-2"], "-2.0 is not in the range 0.0<=x<=1000.0."),
    "two hosts": (
        ["simulator", "--listen=127.0.0.1:1", "--control=localhost:2"],
        "celigo-exporter simulator: --control: expected the same host as --listen",
    ),
    "missing file": (["--config.file=/nonexistent.yml"], "/nonexistent.yml: this file does not exist"),
    "missing file of check": (
        ["check", "--config.file=/nonexistent.yml"],
        "/nonexistent.yml: this file does not exist",
    ),
    "missing file of metrics": (["metrics", "--config.file=/none.yml"], "/none.yml: this file does not exist"),
    "missing file of config check": (["config", "check", "--config.file=/n.yml"], "/n.yml: this file does not exist"),
}


@pytest.mark.parametrize(("arguments", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_and_status_2(call: Call, arguments: list[str], said: str) -> None:
    ended = call(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.endswith("\n")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("command", [[], ["serve"], ["check"], ["metrics"], ["config", "check"]], ids=str)
def test_without_file_and_token_the_line_says_what_to_set(call: Call, command: list[str]) -> None:
    ended = call(*command, environ={})
    line = "no account: set CELIGO_API_TOKEN or CELIGO_API_TOKEN_FILE, or name a file with --config.file\n"
    assert (ended.status, ended.out, ended.err) == (2, "", line)


@pytest.mark.parametrize("command", [["serve"], ["check"], ["metrics"], ["config", "check"]], ids=str)
def test_a_slip_in_the_file_is_named_with_file_line_and_key(call: Call, config_file: Path, command: list[str]) -> None:
    config_file.write_text(config_file.read_text() + "limits: {pages: many}\n")
    ended = call(*command, f"--config.file={config_file}")
    line = f'{config_file}:5: limits.pages: expected a whole number from 1 to 100000, got "many"\n'
    assert (ended.status, ended.out, ended.err) == (2, "", line)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--token", LOOKS_LIKE_TOKEN],
        ["--token", "hunter2"],
        [f"--token={LOOKS_LIKE_TOKEN}"],
        ["serve", LOOKS_LIKE_TOKEN],
        ["serve", "hunter2"],
        [LOOKS_LIKE_TOKEN],
        [f"--log.level={LOOKS_LIKE_TOKEN}"],
        [f"--web.external-url=https://user:{LOOKS_LIKE_TOKEN}@example.com"],
        ["--web.external-url=https://user:hunter2@example.com"],
        [f"--web.listen-address={LOOKS_LIKE_TOKEN}"],
        ["demo", f"--flows={LOOKS_LIKE_TOKEN}"],
    ],
    ids=str,
)
def test_a_token_among_the_arguments_is_not_repeated(call: Call, arguments: list[str]) -> None:
    ended = call(*arguments)
    assert ended.status == 2
    assert LOOKS_LIKE_TOKEN not in ended.err
    assert "hunter2" not in ended.err


def test_an_argument_with_line_ends_stays_on_one_line(call: Call) -> None:
    ended = call("serve\nforged: line\x1b[31m")
    assert (ended.status, len(ended.err.splitlines())) == (2, 1)
    assert ended.err[:-1].isprintable()


def test_a_taken_port_is_one_line_and_status_2(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = call("simulator", "--flows=0", f"--listen=127.0.0.1:{port}", "--control=127.0.0.1:0")
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert "cannot listen" in ended.err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(call: Call, flag: str) -> None:
    ended = call(flag, environ={})
    assert (ended.status, ended.err) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command} " in ended.out


@pytest.mark.parametrize(
    "command",
    ["serve", "check", "metrics", "demo", "simulator", "config", "config check", "rules export", "dashboards export"],
)
def test_every_command_has_help_and_needs_nothing_for_it(call: Call, command: str) -> None:
    ended = call(*command.split(), "--help", environ={})
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: celigo-exporter {command} ")


def test_the_version_is_that_of_the_package(call: Call) -> None:
    ended = call("--version", environ={})
    assert (ended.status, ended.out, ended.err) == (0, f"celigo-exporter {__version__}\n", "")
