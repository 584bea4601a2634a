"""`tls_server_config`: half of it is an error, because the other half would be plain HTTP or an open door."""

from collections.abc import Mapping, Sequence

from exporter.config.cursor import Cursor
from exporter.config.section import known_entries, read_values
from exporter.web import keys
from exporter.web.kinds import is_blank
from exporter.web.settings import TLS_VERSIONS, Pem, Tls
from exporter.web.suites import SUITES_13

_VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")

Entries = Mapping[str, Cursor]


def read_tls(at: Cursor) -> Tls:
    """What the section at `at` asks for. Raises ConfigError, in one line, for whatever cannot be had exactly so."""
    if is_blank(at):
        raise at.fail("this section is empty; expected cert_file and key_file, or no such section for plain HTTP")
    known = known_entries(at, [key.name for key in keys.TLS])
    entries = {name: value for name, value in known.items() if not is_blank(value)}
    values = read_values(entries, keys.TLS)
    certificate = _needed(at, entries, values, "cert")
    private_key = _needed(at, entries, values, "key")
    authority = _one_of(entries, values, "client_ca")
    curves: Sequence[str] = values.pop("curve_preferences", ())
    kept = {name: value for name, value in values.items() if not isinstance(value, Pem)}
    tls = Tls(certificate, private_key, client_ca=authority, curve=curves[0] if curves else None, **kept)
    _check_clients(at, entries, tls)
    _check_versions(at, entries, tls)
    _check_suites(entries, tls)
    if len(curves) > 1:
        raise entries["curve_preferences"].fail("only one curve can be set here; name the one that is to be used")
    return tls


def _one_of(entries: Entries, values: Mapping[str, Pem], name: str) -> Pem | None:
    in_file = f"{name}_file"
    if name in entries and in_file in entries:
        raise entries[name].fail(f"`{name}` and `{in_file}` are both given; keep one", line=entries[name].key_line)
    return values.get(in_file, values.get(name))


def _needed(at: Cursor, entries: Entries, values: Mapping[str, Pem], name: str) -> Pem:
    found = _one_of(entries, values, name)
    if found is None:
        raise at.fail(f"`{name}_file` is missing; TLS needs a certificate and its key", line=at.key_line)
    return found


def _check_clients(at: Cursor, entries: Entries, tls: Tls) -> None:
    verified = tls.client_auth_type in _VERIFYING
    if tls.client_ca is not None and not verified:
        line = entries["client_ca_file" if "client_ca_file" in entries else "client_ca"].key_line
        raise at.fail("a client CA is given, but `client_auth_type` asks for no certificate", line=line)
    if verified and tls.client_ca is None:
        raise entries["client_auth_type"].fail(f"{tls.client_auth_type} needs `client_ca_file`")
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        raise entries["client_allowed_sans"].fail("this needs `client_auth_type: RequireAndVerifyClientCert`")


def _check_versions(at: Cursor, entries: Entries, tls: Tls) -> None:
    if TLS_VERSIONS.index(tls.min_version) > TLS_VERSIONS.index(tls.max_version):
        line = next(entries[name].node.line for name in ("max_version", "min_version") if name in entries)
        raise at.fail(f"min_version {tls.min_version} is above max_version {tls.max_version}", line=line)


def _check_suites(entries: Entries, tls: Tls) -> None:
    if not tls.cipher_suites:
        return
    newest = [name for name in SUITES_13 if name in tls.cipher_suites]
    older = len(set(tls.cipher_suites)) > len(newest)
    at = entries["cipher_suites"]
    if newest and len(newest) < len(SUITES_13):
        raise at.fail(f"suites of TLS 1.3 cannot be chosen, all are on; remove {', '.join(newest)} or name all")
    if tls.min_version == "TLS13" and older:
        raise at.fail("`min_version` is TLS13, for which these suites have no meaning; remove those of older versions")
    if not older and tls.max_version != "TLS13":
        raise at.fail(f"none of these suites is one of {tls.max_version}")
