"""Clients without, with wrong and with right certificates and passwords, on real sockets."""

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.e2e.processes import until
from tests.web.places import HASH, PASSWORD, authority, furnish, placed, written
from tests.web.rig import Served, quick, served

FILES = Path(__file__).parent / "files"
OWN = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
VERIFIED = OWN + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
STRANGER = trustme.CA()


def client(
    issued_by: trustme.CA | None = None,
    *names: str,
    version: ssl.TLSVersion | None = None,
    suites: str | None = None,
    curve: str | None = None,
) -> ssl.SSLContext:
    """A client that trusts the server, with a certificate of `issued_by` for `names`."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    if issued_by is not None:
        issued_by.issue_cert(*names or ("prometheus.example",)).configure_cert(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if suites is not None:
        context.set_ciphers(suites)
    if curve is not None:
        context.set_ecdh_curve(curve)
    return context


def outcome(server: Served, context: ssl.SSLContext | None) -> int | str:
    """The status of a request, or `refused`."""
    try:
        return server.get(context=context).status
    except (ssl.SSLError, ConnectionError):
        return "refused"


def basic(user: str, password: str | bytes) -> dict[str, str]:
    secret = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def verifying(place: Path) -> Iterator[Served]:
    """A server that wants a certificate of its authority."""
    with served(written(place, VERIFIED)) as server:
        yield server


class TestCertificates:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_only_a_client_of_the_authority_is_let_in(self, verifying: Served, version: ssl.TLSVersion) -> None:
        assert outcome(verifying, client(authority(), version=version)) == 200
        assert outcome(verifying, client(version=version)) == "refused"
        assert outcome(verifying, client(STRANGER, version=version)) == "refused"

    def test_plain_http_is_not_served_to_anybody(self, verifying: Served) -> None:
        assert outcome(verifying, None) == 400

    def test_a_certificate_that_is_asked_for_but_not_needed_must_be_right_if_it_comes(self, place: Path) -> None:
        with served(placed(place, FILES / "verify-if-given.ok.yml")) as server:
            assert outcome(server, client()) == 200
            assert outcome(server, client(authority())) == 200
            assert outcome(server, client(STRANGER)) == "refused"

    def test_without_client_auth_nobody_is_asked(self, place: Path) -> None:
        with served(written(place, OWN)) as server:
            assert outcome(server, client()) == 200
            assert outcome(server, client(STRANGER)) == 200

    @pytest.mark.parametrize(
        ("allowed", "names", "expected"),
        [
            ("prometheus.example", ["prometheus.example"], 200),
            ("prometheus.example", ["other.example", "prometheus.example"], 200),
            ("prometheus.example", ["other.example"], "refused"),
            ("prometheus.example", ["sub.prometheus.example"], "refused"),
            ("10.1.2.3", ["10.1.2.3"], 200),
            ("10.1.2.3", ["10.1.2.30"], "refused"),
            ('"2001:db8::1"', ["2001:db8::1"], 200),
            ("ops@example.com", ["ops@example.com"], 200),
        ],
    )
    def test_one_of_the_names_must_be_allowed(
        self, place: Path, allowed: str, names: list[str], expected: int | str
    ) -> None:
        with served(written(place, VERIFIED + f"  client_allowed_sans: [{allowed}]\n")) as server:
            assert outcome(server, client(authority(), *names)) == expected
            assert server.counted("client_name") == (0 if expected == 200 else 1)

    def test_an_intermediate_in_the_file_is_trusted_by_itself(self, place: Path) -> None:
        """As in Go: what stands in the file is the end of the chain."""
        between = authority().create_child_ca()
        (place / "between.crt").write_bytes(between.cert_pem.bytes())
        with served(written(place, VERIFIED.replace("ca.crt", "between.crt"))) as server:
            assert outcome(server, client(between)) == 200
            assert outcome(server, client(authority())) == "refused"


class TestVersionsAndSuites:
    @pytest.mark.parametrize(
        ("lines", "right", "wrong"),
        [
            ("", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_1),
            ("", ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_1),
            ("  min_version: TLS13\n", ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2),
            ("  max_version: TLS12\n", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
            ("  min_version: TLS10\n", ssl.TLSVersion.TLSv1_1, None),
            ("  min_version: TLS10\n", ssl.TLSVersion.TLSv1_3, None),
            ("  min_version: TLS11\n", ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1),
        ],
    )
    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
    def test_a_version_is_spoken_exactly_if_it_is_asked_for(
        self, place: Path, lines: str, right: ssl.TLSVersion, wrong: ssl.TLSVersion | None
    ) -> None:
        with served(written(place, OWN + lines)) as server:
            assert outcome(server, client(version=right, suites="DEFAULT:@SECLEVEL=0")) == 200
            if wrong is not None:
                assert outcome(server, client(version=wrong, suites="DEFAULT:@SECLEVEL=0")) == "refused"

    @pytest.mark.parametrize(("suites", "expected"), [("AES128-GCM-SHA256", 200), ("AES256-GCM-SHA384", "refused")])
    def test_only_the_suites_of_the_file_are_spoken(self, place: Path, suites: str, expected: int | str) -> None:
        with served(placed(place, FILES / "suites.ok.yml")) as server:
            context = client(version=ssl.TLSVersion.TLSv1_2, suites=f"ECDHE-ECDSA-{suites}")
            assert outcome(server, context) == expected

    def test_suites_up_to_tls12_leave_tls13_as_it_is(self, place: Path) -> None:
        with served(placed(place, FILES / "suites.ok.yml")) as server:
            assert outcome(server, client(version=ssl.TLSVersion.TLSv1_3)) == 200

    def test_a_list_of_tls13_suites_alone_means_no_older_version(self, place: Path) -> None:
        names = "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256"
        with served(written(place, OWN + f"  cipher_suites: [{names}]\n")) as server:
            assert outcome(server, client(version=ssl.TLSVersion.TLSv1_3)) == 200
            assert outcome(server, client(version=ssl.TLSVersion.TLSv1_2)) == "refused"

    @pytest.mark.parametrize(("prefer", "expected"), [("true", "AES128"), ("false", "AES256")])
    def test_the_order_of_the_file_decides_unless_the_client_may(self, place: Path, prefer: str, expected: str) -> None:
        ordered = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        text = OWN + f"  cipher_suites: [{ordered}]\n  prefer_server_cipher_suites: {prefer}\n"
        suites = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
        context = client(version=ssl.TLSVersion.TLSv1_2, suites=suites)
        with (
            served(written(place, text)) as server,
            context.wrap_socket(server.connect(), server_hostname="localhost") as spoken,
        ):
            chosen = spoken.cipher()
            assert chosen is not None
            assert expected in chosen[0]

    @pytest.mark.parametrize(
        ("curve", "same", "other"), [("CurveP384", "secp384r1", "prime256v1"), ("X25519", "X25519", "secp521r1")]
    )
    def test_only_the_curve_of_the_file_is_used(self, place: Path, curve: str, same: str, other: str) -> None:
        with served(written(place, OWN + f"  curve_preferences: [{curve}]\n")) as server:
            assert outcome(server, client(curve=same)) == 200
            assert outcome(server, client(curve=other)) == "refused"

    def test_http_2_is_not_offered(self, place: Path) -> None:
        context = client()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with (
            served(placed(place, FILES / "http2.ok.yml")) as server,
            context.wrap_socket(server.connect(), server_hostname="localhost") as spoken,
        ):
            assert spoken.selected_alpn_protocol() == "http/1.1"


@pytest.fixture(scope="module")
def guarded(place: Path) -> Iterator[Served]:
    """A server that wants a password."""
    with served(written(place, USERS)) as server:
        yield server


class TestPasswords:
    def test_the_right_one_is_let_in(self, guarded: Served) -> None:
        assert guarded.get(headers=basic("alice", PASSWORD)).status == 200

    @pytest.mark.parametrize(
        "path", ["/", "/metrics", "/probe?account=acme", "/sd", "/-/healthy", "/-/ready", "/nowhere"]
    )
    def test_without_one_everything_is_closed(self, guarded: Served, path: str) -> None:
        answer = guarded.get(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Basic")
        assert b"here" not in answer.body

    @pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic"])
    def test_the_scheme_is_written_as_one_likes(self, guarded: Served, scheme: str) -> None:
        header = basic("alice", PASSWORD)["Authorization"].replace("Basic", scheme)
        assert guarded.get(headers={"Authorization": header}).status == 200

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic " + base64.b64encode(b"alice").decode(),
            "Bearer " + base64.b64encode(b"alice:right password").decode(),
            "Basic  " + base64.b64encode(b"alice:right password").decode() + " x",
            HASH,
        ],
    )
    def test_what_is_no_user_and_password_is_none(self, guarded: Served, header: str) -> None:
        before = guarded.counted("no_credentials")
        assert guarded.get(headers={"Authorization": header}).status == 401
        assert guarded.counted("no_credentials") == before + 1

    @pytest.mark.parametrize(
        ("user", "password"),
        [
            ("alice", "wrong"),
            ("alice", ""),
            ("alice", HASH),
            ("alice", PASSWORD + "\0"),
            ("alice", PASSWORD.upper()),
            ("alice", b"\xff\xfe"),
            ("alice", "x" * 5000),
            ("bob", PASSWORD),
            ("", PASSWORD),
            ("Alice", PASSWORD),
            ("alice ", PASSWORD),
        ],
    )
    def test_a_wrong_one_is_not(self, place: Path, user: str, password: str | bytes) -> None:
        with served(written(place, USERS)) as server:
            answer = server.get(headers=basic(user, password))
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Basic")
            assert server.counted("wrong_credentials") == 1

    def test_a_user_that_is_no_text_is_unknown(self, guarded: Served) -> None:
        header = "Basic " + base64.b64encode(b"\xff\xfe:" + PASSWORD.encode()).decode()
        assert guarded.get(headers={"Authorization": header}).status == 401

    def test_certificate_and_password_are_both_needed(self, place: Path) -> None:
        with served(written(place, VERIFIED + USERS)) as server:
            right = client(authority())
            assert server.get(context=right, headers=basic("alice", PASSWORD)).status == 200
            assert server.get(context=right).status == 401
            with pytest.raises((ssl.SSLError, ConnectionError)):
                server.get(context=client(), headers=basic("alice", PASSWORD))

    def test_guessing_is_slowed_and_who_was_right_before_is_not(self, place: Path) -> None:
        with served(written(place, USERS)) as server:
            assert server.get(headers=basic("alice", PASSWORD)).status == 200
            statuses = [server.get(headers=basic("alice", f"guess {number}")).status for number in range(20)]
            assert statuses[:3] == [401, 401, 401]
            assert 429 in statuses
            answer = server.get(headers=basic("alice", "another guess"))
            assert answer.status in {401, 429}
            assert server.get(headers=basic("alice", PASSWORD)).status == 200
            assert server.counted("too_many_attempts") == statuses.count(429) + (answer.status == 429)


class TestHeadersAndRate:
    def test_headers_are_on_every_answer_that_has_none_of_its_own(self, place: Path) -> None:
        text = (FILES / "headers.ok.yml").read_text(encoding="utf-8") + USERS
        with served(written(place, text)) as server:
            refused, given = server.get(), server.get(headers=basic("alice", PASSWORD))
            for answer in (refused, given):
                assert answer.headers["x-frame-options"] == "deny"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["strict-transport-security"] == "max-age=31536000"
                assert answer.headers["content-security-policy"] == "default-src 'none'"
            own = server.get("/policy", headers=basic("alice", PASSWORD))
            assert own.headers["content-security-policy"] == "its own"

    def test_more_requests_than_the_rate_are_refused(self, place: Path) -> None:
        with served(written(place, "rate_limit: {interval: 1h, burst: 3}\n")) as server:
            assert [server.get().status for _ in range(5)] == [200, 200, 200, 429, 429]
            assert server.counted("rate_limit") == 2


def test_a_client_that_is_refused_leaves_nothing_open(place: Path) -> None:
    with served(written(place, VERIFIED), quick(headers=60.0)) as server:
        for _ in range(5):
            assert outcome(server, client()) == "refused"
        until(lambda: not server.protocols() and not len(server.server.connections), "nothing is open")
