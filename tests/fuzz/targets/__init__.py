"""One module for each reader of untrusted input."""

from importlib import import_module

from tests.fuzz.target import Target

NAMES = ("bodies", "links", "schedules", "settings", "webconfig", "requests", "state", "labels", "account")
"""Every target, in the order in which they are run."""


def target(name: str) -> Target:
    """The target of that name."""
    found: Target = import_module(f"{__name__}.{name}").TARGET
    return found
