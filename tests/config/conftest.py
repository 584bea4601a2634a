"""A folder with token files, where settings files of the tests are put."""

from pathlib import Path

import pytest

from tests.config.places import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)
