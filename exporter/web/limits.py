"""How long and how much a client may ask of the server before it is in others' way."""

from dataclasses import dataclass

HEADER_BYTES = 16 * 1024
"""Largest request line with its headers."""

CHUNK_BYTES = 64 * 1024
"""An answer is handed to a connection in pieces of this size, so that one that is not read costs no more memory."""

SEND_BYTES = 256 * 1024
"""What the system keeps of an answer for a client that has not read it yet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are seconds.

    `handshake`: TLS. `headers`: from the first byte of a request, or from the connection, to the end of its headers.
    `idle`: between requests. `write`: for reading an answer. `close`: for reading the end of one after which the
    connection is closed. `end`: for reading one when the exporter ends. `connections`: at once in all; `per_peer`:
    from one address.
    """

    handshake: float = 10.0
    headers: float = 10.0
    idle: int = 75
    write: float = 60.0
    close: float = 5.0
    end: float = 1.5
    connections: int = 512
    per_peer: int = 256
