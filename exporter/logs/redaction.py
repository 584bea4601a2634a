"""Known secrets, and texts without them. Whoever reads a token registers it; from then on no line prints it."""

import json
import threading
from collections import OrderedDict
from urllib.parse import quote

from exporter.secret import Secret

KEPT_SECRETS = 1000
"""Rotated tokens are remembered this far back; older ones have long purged themselves."""


class _Secrets:
    """Known token values in the forms in which they could be printed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards changes of _forms and _longest_first
        self._forms: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._longest_first: tuple[str, ...] = ()

    def add(self, secret: Secret) -> None:
        """Remember a token. An empty one is no secret."""
        value = secret.reveal()
        if not value:
            return
        with self._lock:
            self._forms[value] = (value, quote(value, safe=""), repr(value)[1:-1], json.dumps(value)[1:-1])
            self._forms.move_to_end(value)
            while len(self._forms) > KEPT_SECRETS:
                self._forms.popitem(last=False)
            forms = {form for group in self._forms.values() for form in group}
            self._longest_first = tuple(sorted(forms, key=len, reverse=True))

    def hidden_in(self, text: str) -> str:
        """`text` with every known token replaced by stars."""
        for form in self._longest_first:
            if form in text:
                text = text.replace(form, "***")
        return text


_SECRETS = _Secrets()


def redact(secret: Secret) -> None:
    """From now on no log line of this process prints `secret`."""
    _SECRETS.add(secret)


def hidden_in(text: str) -> str:
    """`text` with every known token replaced by stars."""
    return _SECRETS.hidden_in(text)
