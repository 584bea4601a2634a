"""Numbers that the alert rules have too: a place for each, which is filled when the dashboards are exported.

In texts and queries a threshold is `%{name}`, as a number of seconds `%{name.seconds}`. Where Grafana wants a number,
`limit("name")` stands for it.
"""

from exporter.rules.thresholds import default_thresholds

_DEFAULTS = default_thresholds()


class Limit(float):
    """A threshold's default that remembers where it came from."""

    place: str

    def __new__(cls, place: str, value: float) -> "Limit":
        """The number `value`, written as `place` in what is committed."""
        made = super().__new__(cls, value)
        made.place = place
        return made


def limit(name: str) -> Limit:
    """The threshold `name`, a duration in seconds; raises KeyError when the rules have none of that name."""
    text = _DEFAULTS.values[name]
    try:
        return Limit(f"%{{{name}}}", float(text))
    except ValueError:
        return Limit(f"%{{{name}.seconds}}", float(_DEFAULTS.fill(f"${{{name}.seconds}}")))
