"""Pairs of settings files: each bad one differs from its good one in one thing and says the one line it must give."""

from pathlib import Path

import pytest

from exporter.config.keys import COLLECTORS
from exporter.config.load import load_settings
from exporter.config.problem import ConfigError
from tests.config.places import ENVIRON, LOOKS_LIKE_TOKEN

FILES = Path(__file__).parent / "files"
GOOD = sorted(FILES.glob("*.ok.yml"))
BAD = sorted(FILES.glob("*.bad.yml"))
SECRETS = (*ENVIRON.values(), LOOKS_LIKE_TOKEN, "hunter2")


def stem(path: Path) -> str:
    return path.name.split(".")[0]


def placed(folder: Path, file: Path) -> Path:
    """The file, where the token files are."""
    copy = folder / file.name
    copy.write_bytes(file.read_bytes())
    return copy


def test_there_are_many_of_both_and_every_bad_file_has_a_good_twin() -> None:
    assert len(BAD) >= 60
    assert {stem(path) for path in BAD} == {stem(path) for path in GOOD}


@pytest.mark.parametrize("file", GOOD, ids=stem)
def test_a_good_file_loads(folder: Path, file: Path) -> None:
    settings = load_settings(str(placed(folder, file)), ENVIRON)
    assert settings.accounts


@pytest.mark.parametrize("file", BAD, ids=stem)
def test_a_bad_file_gives_exactly_the_line_it_states(folder: Path, file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    path = placed(folder, file)
    with pytest.raises(ConfigError) as caught:
        load_settings(str(path), ENVIRON)
    expected = first.removeprefix("# expect ").replace("COLLECTORS", ", ".join(COLLECTORS))
    assert str(caught.value) == expected.replace("FILE", str(path), 1)


@pytest.mark.parametrize("file", BAD, ids=stem)
def test_the_line_of_a_bad_file_is_one_line_and_holds_no_token(folder: Path, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(str(placed(folder, file)), ENVIRON)
    for text in (str(caught.value), repr(caught.value)):
        assert len(text.splitlines()) == 1
        assert not any(secret.strip() and secret in text for secret in SECRETS)


@pytest.mark.parametrize("file", BAD, ids=stem)
def test_the_failure_carries_no_other_one_whose_text_might_hold_the_file(folder: Path, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(str(placed(folder, file)), ENVIRON)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
