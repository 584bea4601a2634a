"""From a file to settings: what is read, where defaults come from, and files that are none."""

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from exporter.config.file import FILE_BYTES
from exporter.config.keys import COLLECTORS as KNOWN_COLLECTORS
from exporter.config.load import load_settings, parse_settings
from exporter.config.problem import ConfigError
from exporter.config.settings import (
    Account,
    Collectors,
    CollectorSettings,
    ErrorsSettings,
    Filters,
    FlowFilter,
    InventorySettings,
    JobsSettings,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
    Settings,
    TokenSource,
    Web,
)
from tests.config.places import ENVIRON, MINIMAL

FULL = """\
accounts:
  - name: acme
    environment: sandbox
    region: eu
    token_file: secrets/acme
    rate_limit: {requests_per_second: 2.5, burst: 4}
    token_expires: 2030-01-31T12:00:00+02:00
  - name: other
    base_url: HTTPS://Celigo.Example.COM:8443/v1/
    token_env: SANDBOX_TOKEN
collectors:
  health: {enabled: false, interval: 90s, timeout: 10s, staleness: 1h30m}
  jobs: {interval: 30s, overlap: 4h, retries_interval: 10m, follow_per_run: 7, step_flows: [64b2, Orders → ERP]}
  inventory: {last_exports_per_run: 3}
  errors: {interval: 10m, flows_per_run: 1, steps_per_run: 2, pages_per_step: 3, codes: 4}
limits:
  pages: 10
  response_bytes: 1MiB
  connect_timeout: 1500ms
  read_timeout: 1m
  attempts: 2
  retry_after_max: 1h
  series: 2000
profile: lean
filters:
  integrations: [int-1, "Shop to ERP"]
  flows: {include: ["a.*", b], exclude: [".*x"]}
  enabled_only: true
ownership:
  - {match: {flow: f1}, team: commerce}
  - {match: {name: "Orders .*"}, tier: gold, freshness: 1h}
  - {match: {integration: none}, team: platform, tier: silver, silence: 2d}
"""


def written(folder: Path, text: str) -> str:
    path = folder / "celigo.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "celigo.yml", ENVIRON)
    return str(caught.value)


def test_every_key_of_a_full_file_reaches_its_setting(folder: Path) -> None:
    path = written(folder, FULL)
    acme = Account(
        name="acme",
        token=TokenSource(file=str(folder / "secrets/acme")),
        base_url="https://api.eu.integrator.io",
        region="eu",
        environment="sandbox",
        rate_limit=RateLimit(2.5, 4),
        token_expires=1_896_084_000.0,
    )
    other = Account("other", TokenSource(env="SANDBOX_TOKEN"), "https://celigo.example.com:8443", region=None)
    assert load_settings(path, ENVIRON) == Settings(
        accounts=(acme, other),
        collectors=Collectors(
            health=CollectorSettings(False, 90.0, 10.0, 5400.0),
            jobs=JobsSettings(
                interval=30.0,
                overlap=14400.0,
                retries_interval=600.0,
                follow_per_run=7,
                step_flows=("64b2", "Orders → ERP"),
            ),
            inventory=InventorySettings(last_exports_per_run=3),
            errors=ErrorsSettings(interval=600.0, flows_per_run=1, steps_per_run=2, pages_per_step=3, codes=4),
        ),
        limits=Limits(10, 1024 * 1024, 1.5, 60.0, 2, 3600.0, 2000),
        profile="lean",
        filters=Filters(("int-1", "Shop to ERP"), FlowFilter(("a.*", "b"), (".*x",)), True),
        ownership=(
            Owner(OwnershipMatch(flow="f1"), "commerce"),
            Owner(OwnershipMatch(name="Orders .*"), tier="gold", freshness=3600.0),
            Owner(OwnershipMatch(integration="none"), "platform", "silver", silence=172_800.0),
        ),
    )


def test_what_is_not_given_has_the_default_of_the_settings(folder: Path) -> None:
    settings = load_settings(written(folder, MINIMAL), ENVIRON)
    assert settings == Settings((Account("acme", TokenSource(env="ACME_TOKEN")),))


def test_a_key_of_one_collector_leaves_its_other_keys_and_the_other_collectors_alone(folder: Path) -> None:
    settings = load_settings(written(folder, MINIMAL + "collectors: {errors: {codes: 3}}"), ENVIRON)
    assert settings.collectors == Collectors(errors=ErrorsSettings(codes=3))


def test_web_settings_are_taken_as_given(folder: Path) -> None:
    web = Web(listen_addresses=("127.0.0.1:1",), timeout_offset=2.0)
    assert load_settings(written(folder, MINIMAL), ENVIRON, web).web == web
    assert load_settings(None, {"CELIGO_API_TOKEN": "prober-token-4f1c"}, web).web == web


def test_settings_know_the_file_they_came_from(folder: Path) -> None:
    path = written(folder, MINIMAL)
    assert load_settings(path, ENVIRON).source == path
    assert load_settings(None, {"CELIGO_API_TOKEN": "prober-token-4f1c"}).source is None


def test_with_a_file_the_account_variables_are_not_looked_at(folder: Path) -> None:
    confusing = {**ENVIRON, "CELIGO_REGION": "nowhere", "CELIGO_API_TOKEN": "a b", "CELIGO_API_TOKEN_FILE": "/none"}
    path = written(folder, MINIMAL)
    assert load_settings(path, confusing) == load_settings(path, ENVIRON)


def test_a_relative_token_file_is_beside_the_settings_file_wherever_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, "accounts: [{name: acme, token_file: secrets/acme}]")
    monkeypatch.chdir(folder)
    (folder / "elsewhere").mkdir()
    first = load_settings("celigo.yml", {}).accounts[0].token.file
    monkeypatch.chdir(folder / "elsewhere")
    second = load_settings("../celigo.yml", {}).accounts[0].token.file
    assert first is not None
    assert second is not None
    assert Path(first).samefile(second)
    assert Path(first).is_absolute()


def test_an_absolute_token_file_stays_as_it_is(folder: Path) -> None:
    token = folder / "secrets/acme"
    settings = load_settings(written(folder, f"accounts: [{{name: acme, token_file: {token}}}]"), {})
    assert settings.accounts[0].token == TokenSource(file=str(token))


def test_a_token_file_may_be_a_link_as_in_mounted_secrets(folder: Path) -> None:
    (folder / "secrets/link").symlink_to("acme")
    assert load_settings(written(folder, "accounts: [{name: acme, token_file: secrets/link}]"), {}).accounts


def test_a_token_file_that_would_block_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "secrets/pipe")
    with pytest.raises(ConfigError, match="is not a regular file"):
        load_settings(written(folder, "accounts: [{name: acme, token_file: secrets/pipe}]"), {})


@pytest.mark.parametrize("url", ["https://api.eu.integrator.io", "https://API.eu.integrator.io/v1/"])
def test_the_host_of_a_region_given_as_url_is_that_region(url: str) -> None:
    account = parse_settings(MINIMAL + f"    base_url: {url}\n", "f", ENVIRON).accounts[0]
    assert (account.region, account.base_url) == ("eu", "https://api.eu.integrator.io")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2030-01-31", 1_896_048_000.0),
        ('"2030-01-31"', 1_896_048_000.0),
        ("2030-01-31T00:00:00Z", 1_896_048_000.0),
        ("2030-01-31 00:00:00", 1_896_048_000.0),
        ("2030-01-31T02:00:00+02:00", 1_896_048_000.0),
        ("2030-01-30T23:59:59.500Z", 1_896_047_999.5),
    ],
)
def test_token_expires_is_utc_unless_it_says_otherwise(text: str, seconds: float) -> None:
    account = parse_settings(MINIMAL + f"    token_expires: {text}\n", "f", ENVIRON).accounts[0]
    assert account.token_expires == seconds


def test_accounts_may_share_values_by_an_alias() -> None:
    text = (
        "accounts:\n"
        "  - {name: a, token_env: ACME_TOKEN, rate_limit: &polite {burst: 2}}\n"
        "  - {name: b, token_env: SANDBOX_TOKEN, rate_limit: *polite}\n"
    )
    assert [account.rate_limit.burst for account in parse_settings(text, "f", ENVIRON).accounts] == [2, 2]


def test_json_is_read_as_well() -> None:
    text = '{"accounts": [{"name": "acme", "token_env": "ACME_TOKEN"}], "limits": {"pages": 5}}'
    assert parse_settings(text, "f", ENVIRON).limits.pages == 5


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["unix", "windows"])
def test_marks_and_line_ends_of_other_systems_do_not_matter(folder: Path, prefix: bytes, line_end: bytes) -> None:
    path = folder / "celigo.yml"
    path.write_bytes(prefix + MINIMAL.encode().replace(b"\n", line_end))
    assert load_settings(str(path), ENVIRON).accounts[0].name == "acme"


def test_windows_line_ends_do_not_shift_line_numbers() -> None:
    assert problem((MINIMAL + "limits: {page: 1}\n").replace("\n", "\r\n")).startswith("celigo.yml:4: limits: unknown")


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ": the file is empty; expected a mapping with `accounts`"),
    "blanks": (b"\n  \n", ": the file is empty; expected a mapping with `accounts`"),
    "not UTF-8": (b"accounts:\n  - name: \xff\n", ":2: not valid UTF-8"),
    "UTF-16": (MINIMAL.encode("utf-16"), ":1: not valid UTF-8"),
    "NUL byte": (b"accounts:\n\n\0", ":3: a NUL byte; this is no text file"),
    "control character": (b"accounts:\n  - name: a\x07b\n", ":2: not valid YAML: a control character"),
    "too large": (b"#" * (FILE_BYTES + 1), ": the file is over 1024 KiB"),
    "huge directive": (b"%YAML " + b"9" * 5000 + b".1\n---\na: b\n", ": not valid YAML: a number in an escape or"),
    "huge escape": (b'a: "\\UFFFFFFFF"\n', ": not valid YAML: a number in an escape or directive"),
    "yaml 2": (b"%YAML 2.0\n---\na: b\n", ":1: not valid YAML"),
    "own tag handle": (b"a: !secret!prober-token-4f1c b\n", ":1: not valid YAML: tags are not supported"),
}


@pytest.mark.parametrize(("content", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_settings_file_is_one_line(folder: Path, content: bytes, said: str) -> None:
    path = folder / "celigo.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(str(path), ENVIRON)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)
    assert "prober" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.yml", "this file does not exist"),
        ("secrets", "this is a directory; expected a file"),
        ("secrets/acme/celigo.yml", "this file cannot be read"),
        ("x" * 5000, "this file cannot be read"),
        ("ce\0ligo.yml", "this file cannot be read"),
    ],
    ids=["missing", "directory", "below a file", "name too long", "NUL in the name"],
)
def test_a_path_that_leads_to_no_file_is_one_line(folder: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(f"{folder}/{name}", ENVIRON)
    assert str(caught.value).endswith(f": {said}")
    assert len(str(caught.value).splitlines()) == 1


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionError(13, "Permission denied")


def test_a_settings_file_of_another_user_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder, MINIMAL)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match="this file may not be read by this user"):
        load_settings(path, ENVIRON)


def test_a_token_file_of_another_user_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"accounts: [{{name: acme, token_file: {folder}/secrets/acme}}]"
    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(ConfigError, match="the token file may not be read by this user"):
        parse_settings(text, "celigo.yml", {})


def test_the_largest_allowed_file_is_read(folder: Path) -> None:
    filler = "#" * (FILE_BYTES - len(MINIMAL))
    assert load_settings(written(folder, MINIMAL + filler), ENVIRON).accounts


def test_with_every_collector_off_there_is_nothing_to_do_and_the_line_says_so() -> None:
    off = "".join(f"  {name}: {{enabled: false}}\n" for name in KNOWN_COLLECTORS)
    with pytest.raises(ConfigError) as caught:
        parse_settings(f"{MINIMAL}collectors:\n{off}", "celigo.yml", ENVIRON)
    assert str(caught.value) == "celigo.yml:5: collectors: every collector is switched off, so there is nothing to do"
