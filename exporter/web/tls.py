"""A TLS context that does what `tls_server_config` says, or a ConfigError: nothing is left out silently."""

import ipaddress
import ssl
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from exporter.config.problem import ConfigError
from exporter.web import pem
from exporter.web.settings import TLS_VERSIONS, Pem, Tls, TlsVersion
from exporter.web.suites import CURVES, SUITES

_VERSIONS: Mapping[TlsVersion, ssl.TLSVersion] = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_SPOKEN: Mapping[TlsVersion, bool] = {
    "TLS10": ssl.HAS_TLSv1,
    "TLS11": ssl.HAS_TLSv1_1,
    "TLS12": ssl.HAS_TLSv1_2,
    "TLS13": ssl.HAS_TLSv1_3,
}
_LEGACY = ("TLS10", "TLS11")
_NAMES = {"DNS", "email", "URI"}


def build_context(tls: Tls, source: str | None) -> ssl.SSLContext:
    """The context for new connections; reads the files. Raises ConfigError with `source`, line and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _set_versions(context, tls, source)
    _set_suites(context, tls, source)
    _set_curve(context, tls, source)
    _load_own(context, tls, source)
    if tls.client_ca is not None:
        context.load_verify_locations(cadata=_readable(pem.content(tls.client_ca, source), tls.client_ca, source))
        required = tls.client_auth_type == "RequireAndVerifyClientCert"
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        # Whatever stands in the file is trusted, also what is signed by something that does not: as in Go.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def has_allowed_name(certificate: Mapping[str, Any] | None, allowed: Iterable[str]) -> bool:
    """Whether one of the certificate's alternative names, as `ssl` tells them, is exactly one of `allowed`."""
    names: Iterable[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    return not {_name(kind, value) for kind, value in names}.isdisjoint(allowed)


def _name(kind: str, value: str) -> str | None:
    if kind == "IP Address":
        try:
            return ipaddress.ip_address(value.strip()).compressed
        except ValueError:
            return None
    return value if kind in _NAMES else None


def _set_versions(context: ssl.SSLContext, tls: Tls, source: str | None) -> None:
    span = TLS_VERSIONS[TLS_VERSIONS.index(tls.min_version) : TLS_VERSIONS.index(tls.max_version) + 1]
    missing = [version for version in span if not _SPOKEN[version]]
    if missing:
        raise _refused(f"{', '.join(missing)} cannot be spoken by this Python's OpenSSL", source)
    only_newest = tls.cipher_suites and not _older(tls)
    with warnings.catch_warnings():
        # Old versions were asked for by name; docs/web.md says what they are worth.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = _VERSIONS[tls.max_version]
        context.minimum_version = _VERSIONS["TLS13" if only_newest else tls.min_version]


def _set_suites(context: ssl.SSLContext, tls: Tls, source: str | None) -> None:
    legacy = tls.min_version in _LEGACY
    chosen = _older(tls) or (list(SUITES.values()) if legacy else [])
    if chosen:
        try:
            # OpenSSL's level of security forbids TLS 1.0 and 1.1 altogether unless it is lowered.
            context.set_ciphers(":".join(chosen) + (":@SECLEVEL=0" if legacy else ""))
        except ssl.SSLError:
            raise _refused("none of these cipher suites is known to this Python's OpenSSL", source) from None
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE


def _older(tls: Tls) -> list[str]:
    return [SUITES[name] for name in tls.cipher_suites if name in SUITES]


def _set_curve(context: ssl.SSLContext, tls: Tls, source: str | None) -> None:
    if tls.curve is None:
        return
    try:
        context.set_ecdh_curve(CURVES[tls.curve])
    except (ValueError, ssl.SSLError):
        raise _refused(f"the curve {tls.curve} is not known to this Python's OpenSSL", source) from None


def _load_own(context: ssl.SSLContext, tls: Tls, source: str | None) -> None:
    chain, key = pem.content(tls.certificate, source), pem.content(tls.private_key, source)
    _readable(chain, tls.certificate, source)
    if pem.is_encrypted(key):
        raise pem.problem(tls.private_key, source, "the key is encrypted, and there is nobody to type its password")
    with pem.as_path(chain) as chain_path, pem.as_path(key) as key_path:
        try:
            # Without a function for the password OpenSSL would ask for it on the terminal.
            context.load_cert_chain(chain_path, key_path, password=lambda: b"")
        except (ssl.SSLError, ValueError) as failure:
            raise _unfit(getattr(failure, "reason", None), tls, source) from None


def _unfit(reason: str | None, tls: Tls, source: str | None) -> ConfigError:
    if reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        return pem.problem(tls.private_key, source, "this key does not belong to the certificate")
    if reason in {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}:
        return pem.problem(tls.certificate, source, "OpenSSL takes the certificate for too weak")
    return pem.problem(tls.private_key, source, "there is no private key in it that OpenSSL can read")


def _readable(text: str, place: Pem, source: str | None) -> str:
    """The certificates in `text`. Raises ConfigError unless there are some and each can be read by itself.

    OpenSSL looks at a file only up to the first one that it cannot read, and says nothing.
    """
    found = pem.certificates(text)
    if not found:
        raise pem.problem(place, source, "there is no certificate in it")
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        for each in found:
            trial.load_verify_locations(cadata=each)
    except (ssl.SSLError, ValueError):
        raise pem.problem(place, source, "there is a certificate in it that OpenSSL cannot read") from None
    return "\n".join(found)


def _refused(text: str, source: str | None) -> ConfigError:
    return ConfigError(text, source=source, key="tls_server_config")
