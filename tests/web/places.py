"""A folder with certificates and keys of every sort, where web configuration files of the tests are put."""

import json
import os
from functools import cache
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

PASSWORD = "right password"
"""What the hash in the files of the tests was made of."""

HASH = "$2b$04$W7EqCiI5HgHFXehptVzsI.kqGJ9734XJmQpTjNBxi9NF9N4taU5Cq"
BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
INLINE = ("server.crt", "server.key", "other.key", "ca.crt")


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def contents() -> dict[str, bytes]:
    """The files by name."""
    server, other = authority().issue_cert("localhost", "127.0.0.1"), authority().issue_cert("other.example")
    certificate, key = server.cert_chain_pems[0].bytes(), server.private_key_pem.bytes()
    known = authority().cert_pem.bytes()
    encrypted = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    return {
        "server.crt": certificate,
        "server.key": key,
        "other.crt": other.cert_chain_pems[0].bytes(),
        "other.key": other.private_key_pem.bytes(),
        "ca.crt": known,
        "bundle.crt": "# Autorité\n".encode() + known + b"\nsubject=Another\n" + trustme.CA().cert_pem.bytes(),
        "half-broken.crt": known + BROKEN.encode(),
        "broken.crt": BROKEN.encode(),
        "empty.crt": b"",
        "server.der": b"0\x82\x01\xff\xfe",
        "encrypted.key": encrypted,
    }


def furnish(folder: Path) -> Path:
    """Put everything into `folder`."""
    for name, content in contents().items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    return folder


def placed(folder: Path, template: Path) -> Path:
    """The file in `folder`, with `{server.crt}` and others replaced by the PEM blocks themselves."""
    text = template.read_text(encoding="utf-8")
    for name in INLINE:
        text = text.replace("{" + name + "}", json.dumps(contents()[name].decode()))
    path = folder / template.name
    path.write_text(text, encoding="utf-8")
    return path


def written(folder: Path, text: str) -> Path:
    """`text` as web configuration file in `folder`."""
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return path
