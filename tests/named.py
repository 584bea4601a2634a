"""Tests by their names, as pages cite them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def missing_test(name: str) -> str | None:
    """What is missing of `FILE` or `FILE::TEST`; None when it is there."""
    file, _, test = name.partition("::")
    path = ROOT / file
    if not re.fullmatch(r"tests/[\w/]+\.py", file) or not path.is_file():
        return f"no file {file}"
    text = path.read_text()
    if not re.search(rf"^ *(async )?def {test or 'test_[a-z_0-9]+'}\(", text, re.MULTILINE):
        return f"no test {name}"
    return None
