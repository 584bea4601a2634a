"""Who may call the API."""

import hmac
import threading

from exporter.simulator.messages import Answer, Request


class TokenGate:
    """Which token is valid, and the incidents that took its validity. Thread-safe.

    `denials` maps an incident to the answer that every call gets while it lasts.
    """

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()
        self._lock = threading.Lock()
        self._denials: dict[int, Answer] = {}

    def knows(self, request: Request) -> bool:
        """Whether the request carries the right token, valid or not."""
        given = request.headers.get("authorization", "").encode(errors="replace")
        return hmac.compare_digest(given, self._expected)

    def denial(self) -> Answer | None:
        """Return the answer of the oldest incident that invalidates the token."""
        with self._lock:
            return next(iter(self._denials.values()), None)

    def deny(self, incident_id: int, answer: Answer) -> None:
        """Invalidate the token until `allow` is called for the same incident."""
        with self._lock:
            self._denials[incident_id] = answer

    def allow(self, incident_id: int) -> None:
        """End what `deny` began."""
        with self._lock:
            self._denials.pop(incident_id, None)
