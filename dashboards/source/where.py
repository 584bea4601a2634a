"""On which panel the incident that an alert is about can be seen."""

from collections.abc import Mapping

WHERE: Mapping[str, tuple[str, str]] = {}
"""Board and title of the panel, by alert, in the order of the rules."""
