"""Texts that collectors keep beside the counters: a value of theirs as JSON, under a name of its own."""

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from exporter.ledger.memory import Memory

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Note(Generic[T]):
    """One value of one collector, found again after a restart.

    `pack` makes something of it that JSON can hold, of type `shape`; `unpack` makes the value of that again.
    """

    def __init__(
        self, memory: Memory, name: str, shape: object, pack: Callable[[T], Any], unpack: Callable[[Any], T]
    ) -> None:
        self.name = name
        self._memory = memory
        self._shape = shape
        self._pack = pack
        self._unpack = unpack

    def load(self) -> T | None:
        """The value that was saved last; None when there is none, or none of this shape any more."""
        text = self._memory.note(self.name)
        if text is None:
            return None
        try:
            return self._unpack(msgspec.json.decode(text, type=self._shape))
        except (msgspec.DecodeError, ValueError):
            _log.warning("what was kept is of another version, and begins anew", extra={"fields": {"note": self.name}})
            return None

    def text(self, value: T) -> str:
        """The value as it is kept."""
        return msgspec.json.encode(self._pack(value)).decode()

    def save(self, value: T) -> None:
        """Keep the value."""
        self._memory.keep_note(self.name, self.text(value))
