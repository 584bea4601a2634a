"""What the tests of the web configuration share."""

from pathlib import Path

import pytest

from tests.web.places import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with certificates and keys."""
    return furnish(tmp_path)
