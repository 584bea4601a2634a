"""Which format and encoding a scraper gets, from its Accept and Accept-Encoding headers.

Pure functions of header texts that anybody may send: whatever cannot be read is passed over, and the plain text format
is what everybody understands.
"""

from collections.abc import Iterator

from exporter.expose.render import Format

_OPENMETRICS = "application/openmetrics-text"
_TEXT_RANGES = ("text/plain", "text/*", "*/*")
HEADER_CHARACTERS = 4096
"""Characters of a header that are looked at; no scraper sends near as many."""


def choose_format(accept: str | None) -> Format:
    """OpenMetrics 1.0.0 when it is asked for, in no version or in 1.x, and text is not preferred; else text 0.0.4."""
    openmetrics = text = 0.0
    for name, parameters, weight in _entries(accept):
        if name == _OPENMETRICS and _is_version_1(parameters.get("version")):
            openmetrics = max(openmetrics, weight)
        elif name in _TEXT_RANGES:
            text = max(text, weight)
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Format.TEXT


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether gzip may be sent: named, or covered by `*`, with a weight over 0."""
    weights = {name: weight for name, _, weight in _entries(accept_encoding)}
    named = [weights[name] for name in ("gzip", "x-gzip") if name in weights]
    return max(named, default=weights.get("*", 0.0)) > 0


def _is_version_1(version: str | None) -> bool:
    return version is None or version.split(".")[0] == "1"


def _entries(value: str | None) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each entry of a header: lower-case name, parameters, weight."""
    for entry in (value or "")[:HEADER_CHARACTERS].split(","):
        name, *rest = (part.strip() for part in entry.split(";"))
        pairs = (part.split("=", 1) for part in rest if "=" in part)
        parameters = {key.strip().lower(): text.strip().strip('"') for key, text in pairs}
        if name:
            yield name.lower(), parameters, _weight(parameters.get("q"))


def _weight(text: str | None) -> float:
    if text is None:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return weight if 0.0 <= weight <= 1.0 else 1.0
