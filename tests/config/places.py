"""Tokens where settings files of the tests look for them."""

from collections.abc import Mapping
from pathlib import Path

TOKEN = "prober-token-4f1c"
LOOKS_LIKE_TOKEN = "0123456789abcdef0123456789abcdef"

ENVIRON: Mapping[str, str] = {
    "ACME_TOKEN": TOKEN,
    "SANDBOX_TOKEN": "other-token",
    "EMPTY_TOKEN": " ",
    "TWO_WORDS": "prober token",
    "BELL_TOKEN": "prober\x07token",
}

MINIMAL = "accounts:\n  - name: acme\n    token_env: ACME_TOKEN\n"

TOKEN_FILES: Mapping[str, bytes] = {
    "acme": TOKEN.encode() + b"\n",
    "empty": b"\n",
    "two-lines": b"prober\ntoken\n",
    "too-large": b"x" * 70_000,
    "byte-order-mark": b"\xef\xbb\xbf" + TOKEN.encode(),
    "binary": b"prober\0token",
}


def furnish(folder: Path) -> Path:
    """Put every token file into `folder`/secrets; the folder."""
    (folder / "secrets").mkdir()
    for name, content in TOKEN_FILES.items():
        (folder / "secrets" / name).write_bytes(content)
    return folder
