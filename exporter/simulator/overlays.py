"""Changes that can be taken back in any order."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Change:
    target: object
    attribute: str
    original: object
    values: dict[int, object] = field(default_factory=dict)


class Overlays:
    """Attribute values put over the original ones, by incident.

    The newest incident's value shows; when it is lifted, the one below or the original
    comes back. Not thread-safe: the engine's lock guards it.
    """

    def __init__(self) -> None:
        self._changes: dict[tuple[int, str], _Change] = {}

    def put(self, incident_id: int, target: object, attribute: str, value: object) -> None:
        """Let `target.attribute` be `value` until the incident is lifted."""
        key = (id(target), attribute)
        change = self._changes.get(key)
        if change is None:
            change = self._changes[key] = _Change(target, attribute, getattr(target, attribute))
        change.values[incident_id] = value
        setattr(target, attribute, value)

    def lift(self, incident_id: int) -> None:
        """Take back everything the incident put."""
        for key, change in list(self._changes.items()):
            if incident_id not in change.values:
                continue
            del change.values[incident_id]
            newest = next(reversed(change.values.values()), change.original)
            setattr(change.target, change.attribute, newest)
            if not change.values:
                del self._changes[key]
