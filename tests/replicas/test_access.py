"""Redis with TLS and an ACL, as docs/replicas.md asks for it, with real processes: two fleets on one Redis."""

import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.processes import answers, free_port, until
from tests.recorder import TOKENS
from tests.replicas.line import Line
from tests.replicas.redis_server import RedisServer
from tests.replicas.running import Crew, Replica, simulated, state

PAGE = (Path(__file__).parents[2] / "docs/replicas.md").read_text(encoding="utf-8")
(RULE,) = re.findall(r"^user (celigo-exporter .*)$", PAGE, re.MULTILINE)
ALLOWED = set(re.findall(r"\+([a-z|]+)", RULE))
KINDS = {
    "lease": "hash", "ledger": "hash", "ledger:TABLE": "hash", "served": "hash", "image": "hash", "budget": "hash",
    "pause": "string", "wanted": "string", "replicas:GROUP": "zset",
}  # fmt: skip
SIZES = {
    name: float(size)
    for name, size in re.findall(r"^\| `PREFIX:(?:\{ACCOUNT\}:)?([\w:]+)` \|.*?\| \D*([\d.]+) KiB", PAGE, re.MULTILINE)
}
FLOWS = 100
PASSWORDS = ("first-secret-81b2", "second-secret-6d0f")


@dataclass
class Place:
    """Fleet one has two replicas with TLS and the ACL's user, fleet two has one with neither and another prefix."""

    server: RedisServer
    tls_port: int
    line: Line
    plain_line: Line
    password: Path
    crew: Crew
    other: Replica
    folder: Path

    @property
    def all(self) -> Sequence[Replica]:
        """Of both fleets."""
        return [*self.crew.replicas, self.other]


def tls_flags(folder: Path, port: int) -> list[str]:
    """Certificates of an authority that is made for it, as flags of Redis."""
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    files = [f"--tls-{name}-file" for name in ("cert", "key", "ca-cert")]
    paths = [str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem")]
    given = [word for pair in zip(files, paths, strict=True) for word in pair]
    return ["--tls-port", str(port), "--tls-auth-clients", "no", *given]


def set_password(server: RedisServer, password: str) -> None:
    """Let the user of the page have it, and end its connections."""
    rule = RULE.replace(">PASSWORD", f">{password}").split()
    server.client.execute_command("ACL", "SETUSER", rule[0], "resetpass", *rule[1:])  # type: ignore[no-untyped-call]
    server.client.execute_command("CLIENT", "KILL", "USER", rule[0])  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Nothing listens where they look for Redis, and the password in the file is wrong."""
    folder = tmp_path_factory.mktemp("access")
    with ExitStack() as stack:
        port = free_port()
        server = stack.enter_context(RedisServer(folder / "redis", tls_flags(folder / "tls", port)))
        set_password(server, PASSWORDS[0])
        line, plain_line = (stack.enter_context(Line(free_port())) for _ in range(2))
        account = stack.enter_context(simulated(FLOWS))
        (password := folder / "password").write_text("wrong-secret-0000")
        how = [f"url: 'rediss://127.0.0.1:{line.port}/0'", "username: celigo-exporter", f"password_file: {password}"]
        ones = state(0, *how, f"ca_file: {folder / 'tls' / 'ca.pem'}")
        other = state(plain_line.port, "key_prefix: other.fleet")
        crew = stack.enter_context(Crew(folder, account, [ones, ones, other]))
        account.freeze()
        for replica in crew.replicas:
            replica.start()
        last = crew.replicas[2]
        yield Place(server, port, line, plain_line, password, crew, last, folder)


def trouble(replica: Replica, reason: str) -> None:
    """Wait until Redis fails once more for a reason."""
    before = replica.look("?collect[]=exporter").failures.get(reason, 0.0)
    until(lambda: replica.look("?collect[]=exporter").failures.get(reason, 0.0) > before, reason)


def knows(replica: Replica, count: float) -> bool:
    return replica.look("?collect[]=exporter").value("celigo_exporter_replicas") == count


def leads(replicas: Sequence[Replica]) -> bool:
    return sum(each.look("?collect[]=exporter").leading for each in replicas) == 1


def test_begins_when_redis_lets_it_in_and_asks_nobody_before(place: Place) -> None:
    ones, account = place.crew.replicas[:2], place.crew.account
    for replica in place.all:
        until(partial(answers, f"{replica.url}/-/healthy"), "it answers")
        trouble(replica, "unreachable")
    with RedisServer(place.folder / "strange", tls_flags(place.folder / "strange-tls", strange := free_port())):
        place.line.lead_to(strange)
        trouble(ones[0], "unreachable")
    place.line.lead_to(place.server.port)  # no TLS there
    trouble(ones[0], "unreachable")
    place.plain_line.lead_to(place.tls_port)
    trouble(place.other, "unreachable")
    place.line.lead_to(place.tls_port)
    for replica in ones:
        trouble(replica, "refused")
    assert place.crew.requests() == []
    assert not any(each.look().counts or each.look().persistent for each in ones)
    place.server.client.config_resetstat()
    place.server.client.acl_log_reset()
    stood_at, began = account.freeze(), time.monotonic()
    place.password.write_text(PASSWORDS[0] + "\n")
    place.plain_line.lead_to(place.server.port)
    place.crew.first_sight(stood_at, began)
    place.crew.life.across = False  # two fleets are no one's replicas of each other
    place.crew.life.__enter__()
    place.crew.life.working.set()
    account.resume()


def test_fleets_with_other_prefixes_know_nothing_of_each_other(place: Place) -> None:
    until(partial(leads, place.crew.replicas[:2]), "one of fleet one leads")
    until(partial(leads, [place.other]), "the one of fleet two does, too")
    for replica, count in zip(place.all, (2.0, 2.0, 1.0), strict=False):
        until(partial(knows, replica, count), "the replicas")


def test_a_new_password_is_used_and_without_it_the_last_snapshot_is_served(place: Place) -> None:
    ones = place.crew.replicas[:2]
    set_password(place.server, PASSWORDS[1])
    for replica in ones:
        trouble(replica, "refused")
        assert replica.look().snapshot > 0.0
    place.password.write_text(PASSWORDS[1])
    place.crew.fresh("the new password")
    place.server.client.acl_log_reset()


def keys_of(server: RedisServer) -> dict[str, str]:
    """Every key with its kind."""
    client: Any = server.client
    return {key.decode(): client.type(key).decode() for key in client.scan_iter(count=1000)}


def as_on_the_page(key: str) -> str:
    name = re.sub(r"^(celigo-exporter|other\.fleet):(\{acme\}:)?", "", key)
    return re.sub(r"^replicas:\w+$", "replicas:GROUP", re.sub(r"^ledger:\w+$", "ledger:TABLE", name))


def test_the_keys_are_those_of_the_page(place: Place) -> None:
    account = place.crew.account
    account.control("POST", "/incidents", kind="rate_limited", path="/v1/jobs", count=1, retry_after=2)
    found: dict[str, str] = {}

    def seen() -> bool:
        found.update(keys_of(place.server))
        return {"pause", "wanted"} <= {as_on_the_page(key) for key in found}

    until(seen, "all keys", 30)
    assert {as_on_the_page(key): kind for key, kind in found.items() if kind != "none"} == KINDS
    assert SIZES.keys() == KINDS.keys()


def test_they_are_about_as_large_as_the_page_says(place: Place) -> None:
    sizes: dict[str, float] = {}
    for key in place.server.client.scan_iter("celigo-exporter:*", count=1000):
        kib = (place.server.client.memory_usage(key, samples=0) or 0) / 1024
        name = as_on_the_page(key.decode())
        sizes[name] = sizes.get(name, 0.0) + kib
    for name in ("ledger:TABLE", "served"):
        sizes[name] /= FLOWS
    sizes["replicas:GROUP"] /= 2
    print({name: f"{kib:.2f} KiB" for name, kib in sorted(sizes.items())}, SIZES)
    for name, kib in sizes.items():
        assert SIZES[name] / 3 <= kib <= SIZES[name] * 2, name


def texts(value: bytes) -> Iterator[bytes]:
    """A value as it is, and unpacked in the ways that it may be packed."""
    yield value
    for bits in (-15, 15, 31):
        with suppress(zlib.error):
            yield zlib.decompressobj(bits).decompress(value)


def test_nothing_secret_is_in_redis_or_in_a_log(place: Place) -> None:
    client: Any = place.server.client
    values: list[bytes] = []
    for key, kind in keys_of(place.server).items():
        if kind == "hash":
            values += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == "string":
            values.append(client.get(key) or b"")
        elif kind == "zset":
            values += client.zrange(key, 0, -1)
    secrets = [*TOKENS, *PASSWORDS, "wrong-secret-0000"]
    read = b"\n".join(text for value in values for text in texts(value))
    assert b"celigo_flow_runs_total" in read
    assert [secret for secret in secrets if secret.encode() in read] == []
    assert [secret for secret in secrets for each in place.all if secret in each.log()] == []


def test_the_rule_allows_what_is_used_and_no_more(place: Place) -> None:
    ones = place.crew.replicas[:2]
    place.crew.fresh("before")
    ones[0].stop()
    place.crew.fresh("after a clean end")
    client: Any = place.server.client
    assert client.acl_log() == []
    used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert [command for command in ALLOWED - {"connection"} if command not in used] == []
    assert not place.crew.replicas[1].look().failures.keys() - {"unreachable", "refused"}


def test_every_run_was_counted_once(place: Place) -> None:
    assert place.crew.settle() > 10
    assert place.crew.life.drops == []
