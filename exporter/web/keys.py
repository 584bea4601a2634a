"""Every key of a web configuration file, with its kind and meaning; the defaults stand in `exporter.web.settings`."""

from exporter.config.keys import Key
from exporter.config.kinds import choice, listed, switch, whole
from exporter.web.headers import headers
from exporter.web.kinds import client_auth, curve, go_duration, pem_file, pem_text, plain_text, suite
from exporter.web.settings import TLS_VERSIONS
from exporter.web.suites import CURVES, SUITES, SUITES_13

SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")

TLS = (
    Key("cert_file", pem_file(), "The server's certificate, followed by those between it and its authority."),
    Key("key_file", pem_file(), "The certificate's private key, not encrypted."),
    Key("cert", pem_text(), "The same as text, in place of `cert_file`."),
    Key("key", pem_text(), "The same as text, in place of `key_file`."),
    Key("client_auth_type", client_auth(), "Whether clients need a certificate."),
    Key("client_ca_file", pem_file(), "The authorities whose clients are let in."),
    Key("client_ca", pem_text(), "The same as text, in place of `client_ca_file`."),
    Key(
        "client_allowed_sans",
        listed(plain_text(), 1, 1000),
        "Alternative names (DNS, IP, e-mail, URI) of which a client's certificate must have one, exactly so.",
    ),
    Key("min_version", choice(TLS_VERSIONS), "The oldest version of TLS that is spoken."),
    Key("max_version", choice(TLS_VERSIONS), "The newest version of TLS that is spoken."),
    Key("cipher_suites", listed(suite(), 0, len(SUITES) + len(SUITES_13)), "Suites up to TLS 1.2, best first."),
    Key(
        "prefer_server_cipher_suites",
        switch(),
        "Whether the order of `cipher_suites` decides, or the client's.",
    ),
    Key("curve_preferences", listed(curve(), 0, len(CURVES)), "The curve of the key exchange; one."),
)

HTTP = (
    Key("http2", switch(), "Taken, and without effect: HTTP/1.1 is served, which every client speaks."),
    Key("headers", headers(), "Headers that are added to every answer which has none of that name."),
)

RATE = (
    Key("interval", go_duration(), "How long until one more request is let in; 0 for no limit."),
    Key("burst", whole(0, 1_000_000), "Requests that may follow each other at once after a pause."),
)
