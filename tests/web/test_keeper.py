"""A changed file takes effect at once and without a restart; a bad one changes nothing and says so."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest
import trustme

from exporter.config.problem import ConfigError
from exporter.web.keeper import WebKeeper
from tests.clocks import ManualClock
from tests.web.places import HASH, PASSWORD, authority, written
from tests.web.rig import served
from tests.web.test_clients import STRANGER, basic, client, outcome

OWN = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
OTHERS = USERS.replace("alice", "bob")
REFUSED = "the web configuration is refused, the last good one stays"


def put(path: Path, content: bytes) -> None:
    """Replace a file as those do who are careful."""
    aside = path.with_suffix(".new")
    aside.write_bytes(content)
    aside.replace(path)


def put_pair(folder: Path, issuer: trustme.CA) -> None:
    """Another certificate for the server."""
    pair = issuer.issue_cert("localhost", "127.0.0.1")
    put(folder / "server.key", pair.private_key_pem.bytes())
    put(folder / "server.crt", pair.cert_chain_pems[0].bytes())


def of(issuer: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    return context


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestOnRealSockets:
    def test_users_come_and_go(self, folder: Path) -> None:
        path = written(folder, USERS)
        with served(path) as server:
            assert server.get(headers=basic("alice", PASSWORD)).status == 200
            assert server.get(headers=basic("bob", PASSWORD)).status == 401
            put(path, OTHERS.encode())
            assert server.get(headers=basic("alice", PASSWORD)).status == 401
            assert server.get(headers=basic("bob", PASSWORD)).status == 200
            put(path, b"")
            assert server.get().status == 200

    def test_a_password_that_was_remembered_ends_with_its_hash(self, folder: Path) -> None:
        path = written(folder, USERS)
        with served(path) as server:
            assert server.get(headers=basic("alice", PASSWORD)).status == 200
            put(path, USERS.replace("cGpp", "cGpq").replace("taU5Cq", "taU5Ca").encode())
            assert server.get(headers=basic("alice", PASSWORD)).status == 401

    def test_headers_and_rate_change(self, folder: Path) -> None:
        path = written(folder, "")
        with served(path) as server:
            assert "x-frame-options" not in server.get().headers
            put(path, b"http_server_config: {headers: {X-Frame-Options: deny}}\nrate_limit: {interval: 1h, burst: 1}\n")
            assert server.get().headers["x-frame-options"] == "deny"
            assert server.get().status == 429

    def test_a_renewed_certificate_is_presented_to_new_connections(self, folder: Path) -> None:
        with served(written(folder, OWN)) as server:
            assert outcome(server, of(authority())) == 200
            put_pair(folder, STRANGER)
            assert outcome(server, of(STRANGER)) == 200
            assert outcome(server, of(authority())) == "refused"

    def test_a_connection_that_is_open_goes_on(self, folder: Path) -> None:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with (
            served(written(folder, OWN)) as server,
            of(authority()).wrap_socket(server.connect(), server_hostname="localhost") as spoken,
        ):
            for _ in range(2):
                spoken.sendall(request)
                received = b""
                while not received.endswith(b"here\n"):
                    received += spoken.recv(65536) or pytest.fail("closed")
                assert received.startswith(b"HTTP/1.1 200")
                put_pair(folder, STRANGER)

    def test_an_authority_that_is_taken_away_lets_nobody_in_any_more(self, folder: Path) -> None:
        text = OWN.replace("}", ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}")
        with served(written(folder, text)) as server:
            assert outcome(server, client(authority())) == 200
            put(folder / "ca.crt", STRANGER.cert_pem.bytes())
            assert outcome(server, client(authority())) == "refused"
            assert outcome(server, client(STRANGER)) == 200

    def test_a_bad_file_opens_nothing(self, folder: Path) -> None:
        path = written(folder, USERS)
        with served(path) as server:
            put(path, b"basic_auth_user: {}\n")
            assert server.get().status == 401
            assert server.get(headers=basic("alice", PASSWORD)).status == 200
            path.unlink()
            assert server.get().status == 401


def looked(keeper: WebKeeper) -> None:
    """As a request does."""
    asyncio.run(keeper.current())


class TestStatus:
    @pytest.fixture
    def keeper(self, folder: Path, clock: ManualClock) -> WebKeeper:
        return WebKeeper(str(written(folder, OWN + USERS)), clock)

    def test_without_a_file_there_is_none(self, clock: ManualClock) -> None:
        keeper = WebKeeper(None, clock)
        looked(keeper)
        assert keeper.status is None
        assert keeper.access.context is None

    def test_a_bad_file_at_the_start_is_an_error(self, folder: Path, clock: ManualClock) -> None:
        with pytest.raises(ConfigError):
            WebKeeper(str(written(folder, "tls_server_config: {}")), clock)

    def test_nothing_is_read_while_nothing_changes(self, keeper: WebKeeper) -> None:
        access = keeper.access
        for _ in range(3):
            looked(keeper)
        assert keeper.access is access

    @pytest.mark.parametrize("name", ["web.yml", "server.crt", "server.key"])
    def test_each_file_is_watched(self, folder: Path, keeper: WebKeeper, clock: ManualClock, name: str) -> None:
        access, before = keeper.access, clock.time()
        clock.advance(60)
        put(folder / name, (folder / name).read_bytes() + b"\n")
        looked(keeper)
        assert keeper.access is not access
        assert keeper.status is not None
        assert (keeper.status.successful, keeper.status.last_success) == (True, before + 60)

    def test_a_file_that_is_written_in_place_is_seen(self, folder: Path, keeper: WebKeeper) -> None:
        (folder / "web.yml").write_text(OWN)
        looked(keeper)
        assert not keeper.access.config.users

    def test_a_link_that_points_elsewhere_is_seen(self, folder: Path, clock: ManualClock) -> None:
        """As Kubernetes changes what it mounts."""
        for name, text in (("first", USERS), ("second", OTHERS)):
            (folder / name).mkdir()
            (folder / name / "web.yml").write_text(text)
        link = folder / "current"
        link.symlink_to("first")
        keeper = WebKeeper(str(link / "web.yml"), clock)
        assert set(keeper.access.config.users) == {"alice"}
        (folder / "aside").symlink_to("second")
        (folder / "aside").replace(link)
        looked(keeper)
        assert set(keeper.access.config.users) == {"bob"}

    def test_a_bad_file_is_told_once_and_remembered_until_it_is_good(
        self, folder: Path, keeper: WebKeeper, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        access, before = keeper.access, clock.time()
        clock.advance(60)
        put(folder / "web.yml", b"tls_server_config: {cert_file: server.crt}\n")
        for _ in range(3):
            looked(keeper)
        assert told(caplog) == [REFUSED]
        assert keeper.access is access
        assert keeper.status is not None
        assert (keeper.status.successful, keeper.status.last_success) == (False, before)
        put(folder / "web.yml", OWN.encode())
        looked(keeper)
        assert keeper.status.successful

    def test_the_line_about_a_bad_file_names_file_line_and_key(
        self, folder: Path, keeper: WebKeeper, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(folder / "web.yml", b"\ntls_server_config: {cert_file: server.crt}\n")
        looked(keeper)
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert str(vars(record)["fields"]["problem"]).startswith(f"{folder / 'web.yml'}:2: tls_server_config: ")

    @pytest.mark.parametrize(("before", "after"), [(OWN, USERS), (USERS, OWN)])
    def test_tls_is_not_switched_while_it_runs(
        self, folder: Path, clock: ManualClock, before: str, after: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = written(folder, before)
        keeper = WebKeeper(str(path), clock)
        access = keeper.access
        put(path, after.encode())
        looked(keeper)
        assert keeper.access is access
        assert told(caplog) == [REFUSED]
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert "needs a restart" in str(vars(record)["fields"]["problem"])

    def test_a_certificate_whose_key_comes_later_is_taken_when_it_has_come(
        self, folder: Path, keeper: WebKeeper
    ) -> None:
        pair = STRANGER.issue_cert("localhost")
        put(folder / "server.crt", pair.cert_chain_pems[0].bytes())
        looked(keeper)
        assert keeper.status is not None
        assert not keeper.status.successful
        put(folder / "server.key", pair.private_key_pem.bytes())
        looked(keeper)
        assert keeper.status.successful

    def test_a_certificate_that_is_named_before_it_is_there_is_taken_when_it_comes(
        self, folder: Path, keeper: WebKeeper
    ) -> None:
        put(folder / "web.yml", OWN.replace("server.crt", "late.crt").encode())
        looked(keeper)
        assert keeper.status is not None
        assert not keeper.status.successful
        put(folder / "late.crt", (folder / "server.crt").read_bytes())
        looked(keeper)
        assert keeper.status.successful

    def test_a_file_of_the_same_age_and_size_is_seen(self, folder: Path, keeper: WebKeeper) -> None:
        path = folder / "web.yml"
        stamp = path.stat()
        path.write_text((OWN + USERS).replace("alice", "carol"))
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        looked(keeper)
        assert set(keeper.access.config.users) == {"carol"}
