"""A value that must not be seen: no log line, repr, traceback, page or error can print it."""

import hmac


class Secret:
    """Holds a token; `reveal` is the only way out and is called in one place, the Authorization header.

    >>> Secret("abc")
    Secret('***')
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself. Never log or store what this returns."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not serialised")
