"""What goes wrong with one account must cost no other one anything."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.bugs import bug_fields
from exporter.replicas.trouble import Away

_log = logging.getLogger(__name__)


@contextmanager
def told_of(account: str) -> Iterator[None]:
    """Log what the body raises, which is about one account, and go on."""
    try:
        yield
    except Away as failure:
        _log.warning(
            "Redis has something of an account that cannot be used",
            extra={"fields": {"account": account, "problem": str(failure)}},
        )
    except Exception as error:
        _log.error("attending to an account has a bug", extra={"fields": {"account": account, **bug_fields(error)}})
