"""What connections trust, loaded once for all of them.

A certificate store takes a megabyte. The library that speaks HTTP would load one for each connection, and hundreds of
accounts have a few of these each.
"""

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

_STORES = 4
"""Certificate stores that are kept: the newest of each place that one is read from."""


class SharedTrust(HTTPAdapter):
    """Uses what was loaded for all. The library decides as ever which bundle that is: `verify` is its path, or True."""

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,
        cert: tuple[str, str] | str | None = None,
    ) -> Any:  # noqa: ANN401 - the library's own, whose names are private
        """What tells connections apart: those of one trust belong together."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": trust(verify)}

    def cert_verify(self, conn: Any, url: str, *_: object) -> None:  # noqa: ANN401 - the library's own
        """Nothing is left to be loaded for a connection; that certificates are checked is said once more."""
        del url
        conn.cert_reqs = "CERT_REQUIRED"


def trust(verify: object) -> ssl.SSLContext:
    """The TLS settings that trust the bundle, a file or folder, at the path `verify`; by default the library's own.

    A file that changed is read again. Raises OSError when there is none that can be read.
    """
    path = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    about = Path(path).stat()
    return _store(path, (about.st_mtime_ns, about.st_size, about.st_ino))


@lru_cache(maxsize=_STORES)
def _store(path: str, version: object) -> ssl.SSLContext:
    del version
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    if Path(path).is_dir():
        context.load_verify_locations(capath=path)
    else:
        context.load_verify_locations(cafile=path)
    return context
