"""Which exporter is running, as far as the installation knows."""

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from exporter import __version__

_DISTRIBUTION = "celigo-exporter"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """Version of the exporter, commit it was installed from (`unknown` unless from a repository), Python version."""

    version: str
    revision: str
    python_version: str


def installed_origin() -> str | None:
    """The installer's record of where the package came from (PEP 610), None when there is none."""
    try:
        return distribution(_DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return None


def build_info(origin: Callable[[], str | None] = installed_origin) -> BuildInfo:
    """What is known of this exporter."""
    return BuildInfo(__version__, revision(origin()), platform.python_version())


def revision(origin: str | None) -> str:
    """The commit named by an installer's record, else `unknown`; a record that cannot be read names none."""
    try:
        record = json.loads(origin or "{}")
    except ValueError:
        return UNKNOWN
    source = record.get("vcs_info") if isinstance(record, dict) else None
    commit = source.get("commit_id") if isinstance(source, dict) else None
    return commit if isinstance(commit, str) and commit else UNKNOWN
