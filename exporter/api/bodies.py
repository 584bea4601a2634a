"""Bodies that are the same as the last one of their kind are not decoded again."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

from exporter.api.decode import Rows
from exporter.api.models import Row

R = TypeVar("R", bound=Row)

MAX_BODIES = 256
"""Pages whose rows are kept."""


class DecodedBodies:
    """The rows of the newest body of each page of the long listings. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _kept
        self._kept: OrderedDict[object, tuple[bytes, Rows[Any]]] = OrderedDict()

    def rows(self, key: object, body: bytes, decode: Callable[[], Rows[R]]) -> Rows[R]:
        """The rows of `body`: those of before when the page `key` had the very same body, else what `decode` makes."""
        digest = hashlib.blake2b(body).digest()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] == digest:
            return cast("Rows[R]", kept[1])
        rows = decode()
        with self._lock:
            self._kept[key] = (digest, rows)
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_BODIES:
                self._kept.popitem(last=False)
        return rows
