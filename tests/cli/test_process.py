"""The program as a process: `python -m exporter`, exit statuses, signals, pipes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from exporter import __version__
from tests.e2e.processes import EXPORTER, Program, free_port, until

TOKEN = "prober-token-4f1c"


def environ(**more: str) -> dict[str, str]:
    """The environment of this process without anything that describes an account, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CELIGO_")}
    return {**kept, **more}


def ran(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXPORTER, *arguments], env=environ(**more), capture_output=True, text=True, timeout=120, check=False
    )


def test_the_version_is_printed() -> None:
    ended = ran("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"celigo-exporter {__version__}\n", "")


def test_the_installed_script_is_the_same_program() -> None:
    script = Path(sys.executable).parent / "celigo-exporter"
    ended = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (0, f"celigo-exporter {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nosuch"], "celigo-exporter serve: No such option '--nosuch'.\n"),
        (["nosuch"], "celigo-exporter: No such command 'nosuch'.\n"),
        (["--config.file=/nonexistent.yml"], "/nonexistent.yml: this file does not exist\n"),
        ([], "no account: set CELIGO_API_TOKEN or CELIGO_API_TOKEN_FILE, or name a file with --config.file\n"),
    ],
    ids=["flag", "command", "file", "nothing"],
)
def test_a_mistake_is_one_line_and_status_2(arguments: list[str], line: str) -> None:
    ended = ran(*arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", line)


def test_config_check_tells_good_from_bad(tmp_path: Path) -> None:
    path = tmp_path / "celigo.yml"
    path.write_text("accounts: [{name: acme, token_env: ACME_TOKEN, region: eu}]\n")
    good = ran("config", "check", f"--config.file={path}", ACME_TOKEN=TOKEN)
    assert (good.returncode, good.stderr) == (0, "")
    assert TOKEN not in good.stdout
    bad = ran("config", "check", f"--config.file={path}")
    line = f"{path}:1: accounts[0].token_env: the environment variable ACME_TOKEN is not set or empty\n"
    assert (bad.returncode, bad.stdout, bad.stderr) == (2, "", line)


def test_a_reader_that_went_away_leaves_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [*EXPORTER, "config", "check"],
            env=environ(CELIGO_API_TOKEN=TOKEN),
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def simulator(*flags: str) -> Program:
    return Program([*EXPORTER, "simulator", "--flows=3", *flags], environ())


def addresses(program: Program) -> dict[str, str]:
    """What the simulator printed, once it printed all of it."""
    lines = until(lambda: program.running() and (text := program.stdout()).count("\n") == 3 and text, "addresses")
    assert isinstance(lines, str)
    return dict(line.split(maxsplit=1) for line in lines.splitlines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_simulator_says_where_it_is_and_ends_cleanly(number: int) -> None:
    with simulator("--listen=127.0.0.1:0", "--control=127.0.0.1:0") as program:
        found = addresses(program)
        answer = requests.get(
            f"{found['api']}/v1/tokenInfo", headers={"Authorization": f"Bearer {found['token']}"}, timeout=30
        )
        assert answer.status_code == 200
        assert requests.get(found["control"], timeout=30).status_code == 200
        assert program.process is not None
        program.process.send_signal(number)
        assert program.process.wait(60) == 0
        assert program.stderr() == ""


def test_check_on_the_simulator_ends_with_0_and_with_a_wrong_token_with_1() -> None:
    port = free_port()
    with simulator(f"--listen=127.0.0.1:{port}", "--control=127.0.0.1:0") as program:
        found = addresses(program)
        good = ran("check", CELIGO_API_TOKEN=found["token"], CELIGO_BASE_URL=found["api"])
        assert good.returncode == 0, good.stdout + good.stderr
        bad = ran("check", CELIGO_API_TOKEN="other-token", CELIGO_BASE_URL=found["api"])
        assert bad.returncode == 1, bad.stdout + bad.stderr
        for text in (good.stdout, good.stderr, bad.stdout, bad.stderr):
            assert found["token"] not in text
            assert "other-token" not in text


def test_metrics_on_the_simulator_writes_one_collection() -> None:
    with simulator("--listen=127.0.0.1:0", "--control=127.0.0.1:0") as program:
        found = addresses(program)
        ended = ran("metrics", CELIGO_API_TOKEN=found["token"], CELIGO_BASE_URL=found["api"])
    assert ended.returncode == 0, ended.stderr
    assert 'celigo_up{account="default",environment="production"} 1' in ended.stdout
    assert found["token"] not in ended.stdout + ended.stderr
