"""Web configuration files: those that are taken, and those that are refused with the one line that each states.

A bad file differs from its good twin in one thing. The kinds are those of the exporter-toolkit's own tests, and more.
"""

from pathlib import Path

import pytest

from exporter.config.problem import ConfigError
from exporter.web.load import load_web_access
from tests.web.places import HASH, contents, placed

FILES = Path(__file__).parent / "files"
GOOD = sorted(FILES.glob("*.ok.yml"))
BAD = sorted(FILES.glob("*.bad.yml"))
SECRETS = (HASH, HASH[:40], HASH[7:], "hunter2", "apr1", *contents()["server.key"].decode().split("\n")[1:-2])


def stem(path: Path) -> str:
    return path.name.split(".")[0]


def test_there_are_many_of_both_and_every_bad_file_has_a_good_twin() -> None:
    assert len(BAD) >= 60
    assert len(GOOD) >= 90
    assert {stem(path) for path in BAD} < {stem(path) for path in GOOD}


@pytest.mark.parametrize("file", GOOD, ids=stem)
def test_a_good_file_is_taken_and_is_tls_exactly_if_it_says_so(folder: Path, file: Path) -> None:
    access = load_web_access(str(placed(folder, file)))
    assert (access.context is not None) == ("tls_server_config" in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", BAD, ids=stem)
def test_a_bad_file_gives_exactly_the_line_it_states(folder: Path, file: Path) -> None:
    stated = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect ")
    path = placed(folder, file)
    with pytest.raises(ConfigError) as caught:
        load_web_access(str(path))
    assert str(caught.value) == stated.replace("FILE", str(path), 1).replace("FOLDER", str(folder))


@pytest.mark.parametrize("file", BAD, ids=stem)
def test_the_line_of_a_bad_file_holds_no_password_no_hash_and_no_key(folder: Path, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_web_access(str(placed(folder, file)))
    for text in (str(caught.value), repr(caught.value)):
        assert len(text.splitlines()) == 1
        assert not any(secret in text for secret in SECRETS)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_file_that_is_not_there_is_one_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yml: this file does not exist"):
        load_web_access(str(folder / "absent.yml"))


def test_a_key_that_stands_where_its_file_belongs_is_not_repeated(tmp_path: Path) -> None:
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC/BKcwggSjAgEAAoIBAQDJ4xZ"
    (tmp_path / "w.yml").write_text(f"tls_server_config:\n  cert_file: {key}\n  key_file: {key}\n")
    with pytest.raises(ConfigError) as caught:
        load_web_access(str(tmp_path / "w.yml"))
    assert str(caught.value) == (
        f"{tmp_path}/w.yml:2: tls_server_config.cert_file: {tmp_path}/***/***: No such file or directory"
    )
