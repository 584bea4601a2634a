"""Reading single query parameters; what cannot be read is refused with 400."""

from exporter.simulator.messages import Request, bad_query
from exporter.simulator.timestamps import parse_instant


def instant(request: Request, name: str) -> int | None:
    """Return a timestamp parameter in ms, None when it is absent."""
    text = request.get(name)
    if text is None:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise bad_query(f"{name} is not a timestamp.") from None


def choice(request: Request, name: str, known: frozenset[str]) -> str | None:
    """Return a parameter that takes one of the known values, None when it is absent."""
    values = request.get_all(name)
    if not values:
        return None
    # One value only: CLI refuses a list, and so does this account (contract 3.7).
    if len(values) > 1 or values[0] not in known:
        raise bad_query(f"{name} takes one of {', '.join(sorted(known))}.")
    return values[0]


def flag(request: Request, name: str) -> bool | None:
    """Return a true/false parameter, None when it is absent."""
    text = request.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise bad_query(f"{name} must be true or false.")
    return text == "true"
