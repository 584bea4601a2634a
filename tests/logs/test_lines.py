"""Log lines: one event, one line, in two formats, and no token whatever happens."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import logs
from exporter.logs.lines import LONGEST_TEXT
from exporter.secret import Secret

PLANTED = "prober-token-4f1c"
LOG = logging.getLogger("exporter.tests.logs")
ANY_SPEED = settings(deadline=None)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    libraries = {
        name: logging.getLogger(name).level for name in ("urllib3", "asyncio", "charset_normalizer", "uvicorn")
    }
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


class Odd:
    """A value whose text cannot be had, or holds what it should not."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def __str__(self) -> str:
        if self.text is None:
            raise RuntimeError("no text")
        return self.text


def configured(fmt: logs.LogFormat = "logfmt", level: logs.LogLevel = "debug") -> io.StringIO:
    stream = io.StringIO()
    logging.getLogger().handlers.clear()  # those of pytest raise where a program's would print to standard error
    logs.configure(level, fmt, stream)
    return stream


def line_of(stream: io.StringIO) -> str:
    """The one line that was written."""
    written = stream.getvalue()
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    return written[:-1]


def read_logfmt(line: str) -> dict[str, str]:
    """The pairs of a line; fails when something is left over."""
    pairs = re.findall(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^" =]*)(?: |$)', line)
    assert " ".join(f"{key}={value}" for key, value in pairs) == line
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def read(line: str, fmt: logs.LogFormat) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line) if fmt == "json" else read_logfmt(line)
    return found


def test_a_logfmt_line_has_time_level_logger_message_and_fields() -> None:
    stream = configured()
    LOG.warning("collector failed", extra={"fields": {"collector": "jobs", "seconds": 1.5, "runs": 3, "ok": False}})
    line = line_of(stream)
    assert re.fullmatch(
        r"ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning logger=exporter\.tests\.logs "
        r'msg="collector failed" collector=jobs seconds=1\.5 runs=3 ok=false',
        line,
    )


def test_a_json_line_has_the_same_with_types() -> None:
    stream = configured("json")
    LOG.info("scraped", extra={"fields": {"seconds": 0.25, "series": 12, "cached": True, "account": None}})
    found = json.loads(line_of(stream))
    assert list(found) == ["ts", "level", "logger", "msg", "seconds", "series", "cached", "account"]
    assert (found["level"], found["msg"]) == ("info", "scraped")
    assert (found["seconds"], found["series"], found["cached"], found["account"]) == (0.25, 12, True, None)


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_time_is_utc_with_milliseconds(fmt: logs.LogFormat) -> None:
    stream = configured(fmt)
    record = LOG.makeRecord("exporter.x", logging.INFO, "f", 1, "m", (), None)
    record.created = 1_788_000_000.0625
    logging.getLogger().handle(record)
    assert read(line_of(stream), fmt)["ts"] == "2026-08-29T10:40:00.062Z"


@pytest.mark.parametrize(("least", "written"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_events_below_the_level_are_not_written(least: logs.LogLevel, written: int) -> None:
    stream = configured(level=least)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        LOG.log(level, "m")
    assert len(stream.getvalue().splitlines()) == written


HOSTILE = {
    "line end": "a\nlevel=error msg=forged",
    "carriage return": "a\rb",
    "line separator": "a\u2028b",
    "escape": "a\x1b[31mb",
    "quotes": 'say "hi" \\ there',
    "equals": "a=b",
    "empty": "",
    "emoji": "Orders 🚀 naïve",
    "right to left": "a\u202eb",
    "surrogate": "a\ud800b",
    "NUL": "a\0b",
}


@pytest.mark.parametrize("fmt", logs.FORMATS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_stays_on_its_line_and_reads_back(text: str, fmt: logs.LogFormat) -> None:
    stream = configured(fmt)
    LOG.info("%s", text, extra={"fields": {"name": text}})
    line = line_of(stream)
    assert line.isprintable()
    found = read(line, fmt)
    assert (found["msg"], found["name"]) == (text, text)


@ANY_SPEED
@given(
    st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.floats() | st.booleans() | st.none())
)
def test_any_event_is_one_line_that_can_be_read(message: str, fields: dict[str, Any]) -> None:
    for fmt in logs.FORMATS:
        stream = configured(fmt)
        LOG.info(message, extra={"fields": fields})
        assert read(line_of(stream), fmt)["msg"] == message


def test_a_field_cannot_pass_for_time_level_or_message() -> None:
    stream = configured("json")
    LOG.info("true", extra={"fields": {"msg": "false", "level": "error", "ts": "never", "exception": "none"}})
    found = json.loads(line_of(stream))
    assert (found["msg"], found["level"], found["msg_"], found["level_"]) == ("true", "info", "false", "error")


def test_keys_of_logfmt_are_made_of_plain_characters() -> None:
    stream = configured()
    LOG.info("m", extra={"fields": {"a b=c": 1, "": 2, "é": 3}})
    assert line_of(stream).endswith(" msg=m a_b_c=1 _=2 _=3")


@pytest.mark.parametrize("fields", [None, "text", ["list"], 3])
def test_fields_that_are_no_mapping_are_left_out(fields: object) -> None:
    stream = configured()
    LOG.info("m", extra={"fields": fields})
    assert line_of(stream).endswith("msg=m")


@pytest.mark.parametrize("fmt", logs.FORMATS)
@pytest.mark.parametrize("name", ["exporter.x", "asyncio", "uvicorn.error"])
def test_an_exception_is_its_class_and_places_on_the_same_line(fmt: logs.LogFormat, name: str) -> None:
    stream = configured(fmt)
    try:
        raise ValueError("record of\njane.roe@example.com")
    except ValueError:
        logging.getLogger(name).exception("failed")
    line = line_of(stream)
    found = read(line, fmt)
    assert found["exception"] == "ValueError"
    assert found["at"].startswith("test_lines.py:")
    assert "jane" not in line


def test_of_a_library_s_message_only_the_first_line_is_written() -> None:
    stream = configured()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task %r>", "jane.roe@example.com")
    assert line_of(stream).endswith('logger=asyncio msg="Task exception was never retrieved"')


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_a_text_that_is_too_long_is_cut(fmt: logs.LogFormat) -> None:
    stream = configured(fmt)
    LOG.info("m" * 5000, extra={"fields": {"name": "n" * 5000, "just": "j" * LONGEST_TEXT}})
    found = read(line_of(stream), fmt)
    assert found["msg"] == "m" * LONGEST_TEXT + "..."
    assert found["name"] == "n" * LONGEST_TEXT + "..."
    assert found["just"] == "j" * LONGEST_TEXT


def test_cutting_leaves_no_part_of_a_token() -> None:
    logs.redact(Secret("prober-long-token-7733"))
    stream = configured()
    LOG.info("%s", "x" * (LONGEST_TEXT - 5) + "prober-long-token-7733")
    assert "prober" not in line_of(stream)


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_a_message_that_does_not_fit_its_arguments_is_not_lost(fmt: logs.LogFormat) -> None:
    stream = configured(fmt)
    LOG.info("%d of %d", "x")
    assert read(line_of(stream), fmt)["msg"] == "%d of %d"


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_a_value_without_text_costs_its_values_and_nothing_else(
    fmt: logs.LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = configured(fmt)
    LOG.error("m", extra={"fields": {"odd": Odd(), "token": PLANTED}})
    assert read(line_of(stream), fmt) == {"level": "error", "logger": LOG.name, "msg": "unprintable event"}
    assert capsys.readouterr().err == ""


def test_configuring_again_replaces_format_stream_and_level() -> None:
    first = configured("logfmt", "debug")
    second = configured("json", "error")
    LOG.info("m")
    LOG.error("m")
    assert first.getvalue() == ""
    assert json.loads(line_of(second))["level"] == "error"


def test_without_a_stream_lines_go_to_whatever_standard_error_is(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "logfmt")
    LOG.info("m")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("msg=m\n")


@pytest.mark.parametrize("failure", [BrokenPipeError(), OSError(28, "No space left on device"), ValueError("closed")])
def test_a_stream_that_is_gone_harms_nobody(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = configured()

    def write(_: str) -> int:
        raise failure

    monkeypatch.setattr(stream, "write", write)
    LOG.error("%s", PLANTED)
    assert capsys.readouterr().err == ""


def test_a_stream_of_a_narrow_encoding_gets_escapes() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", errors="strict") as stream:
        logs.configure("info", "logfmt", stream)
        LOG.info("naïve")
        assert raw.getvalue().endswith(b"msg=na\\xefve\n")
        logging.getLogger().handlers[-1].close()
        logs.configure("info", "logfmt", io.StringIO())


@pytest.mark.parametrize("level", logs.LEVELS)
def test_urllib3_prints_no_url(level: logs.LogLevel) -> None:
    stream = configured(level=level)
    log = logging.getLogger("urllib3.connectionpool")
    log.debug('%s "GET %s"', "http://127.0.0.1", "/v1/jobs?createdAt_gte=2030")
    log.info("Resetting dropped connection: %s", "127.0.0.1")
    log.warning("Retrying after connection broken by: %s", "/v1/jobs?createdAt_gte=2030")
    assert stream.getvalue() == ""


def test_a_real_request_of_urllib3_prints_nothing_at_debug_level() -> None:
    stream = configured(level="debug")
    with urllib3.PoolManager(retries=False, timeout=5) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", "http://127.0.0.1:9/v1/flows?secret=1")
    assert stream.getvalue() == ""


PRINTED = {
    "message": lambda token: LOG.info(f"used {token} here"),
    "argument": lambda token: LOG.info("used %s here", token),
    "representation": lambda token: LOG.info("used %r", [token]),
    "field": lambda token: LOG.info("m", extra={"fields": {"value": token}}),
    "key of a field": lambda token: LOG.info("m", extra={"fields": {token: 1}}),
    "nested field": lambda token: LOG.info("m", extra={"fields": {"headers": {"Authorization": f"Bearer {token}"}}}),
    "object": lambda token: LOG.info("%s", Odd(token), extra={"fields": {"odd": Odd(token)}}),
    "in a URL": lambda token: LOG.info("GET /?token=%s", quote(token, safe="")),
    "unformatted message": lambda token: LOG.info(f"%d {token}", "x"),
    "logger": lambda token: logging.getLogger(f"exporter.{token}").info("m"),
}


def raised(token: str) -> None:
    try:
        raise RuntimeError(f"refused {token}")
    except RuntimeError:
        LOG.exception("failed")


def raised_while_handling(token: str) -> None:
    try:
        try:
            raise KeyError(token)
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        LOG.exception("failed")


PRINTED["exception"] = raised
PRINTED["cause of an exception"] = raised_while_handling

SHAPES = {
    "plain": "prober-token-9d2e",
    "quote": 'prober"token',
    "backslash": "prober\\token",
    "percent": "prober%41token",
    "latin": "pröber-tøken",
    "apostrophe": "prober'token",
    "slash and plus": "prober/token+==",
}


@pytest.mark.parametrize("fmt", logs.FORMATS)
@pytest.mark.parametrize("token", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("way", PRINTED.values(), ids=PRINTED.keys())
def test_a_known_token_is_never_printed(way: Any, token: str, fmt: logs.LogFormat) -> None:
    logs.redact(Secret(token))
    stream = configured(fmt)
    way(token)
    line = line_of(stream)
    assert token not in line
    assert json.dumps(token)[1:-1] not in line
    assert repr(token)[1:-1] not in line
    # A logfmt key has no stars, and of an exception no text is written at all.
    assert "***" in line or "___" in line or "exception" in line


@ANY_SPEED
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    st.text(max_size=10),
    st.text(max_size=10),
)
def test_any_known_token_is_never_printed(token: str, before: str, after: str) -> None:
    logs.redact(Secret(token))
    for fmt in logs.FORMATS:
        stream = configured(fmt)
        LOG.info("%s%s%s", before, token, after, extra={"fields": {"x": token + after}})
        assert token not in line_of(stream)


def test_the_newest_of_many_rotated_tokens_stay_known() -> None:
    for number in range(logs.KEPT_SECRETS + 10):
        logs.redact(Secret(f"rotated-{number:06}"))
    stream = configured()
    LOG.info("rotated-%06d rotated-%06d", 10, logs.KEPT_SECRETS + 9)
    assert read_logfmt(line_of(stream))["msg"] == "*** ***"


def test_an_empty_secret_hides_nothing() -> None:
    logs.redact(Secret(""))
    stream = configured()
    LOG.info("all of it")
    assert read_logfmt(line_of(stream))["msg"] == "all of it"


def test_a_token_that_begins_like_another_is_hidden_whole() -> None:
    logs.redact(Secret("prober-aaaa"))
    logs.redact(Secret("prober-aaaabbbb"))
    stream = configured()
    LOG.info("prober-aaaabbbb")
    assert read_logfmt(line_of(stream))["msg"] == "***"


def test_importing_the_package_changes_no_logging() -> None:
    code = "import logging, sys, exporter.logs; sys.exit(bool(logging.getLogger().handlers))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
