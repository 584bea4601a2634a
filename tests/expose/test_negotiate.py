"""What a scraper gets for the headers it sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder, gzip_accepted

from exporter.expose.negotiate import accepts_gzip, choose_format
from exporter.expose.render import Format

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_WITH_NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + PROMETHEUS_3
)
PROMETHEUS_ASKED_FOR_TEXT = "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "fmt"),
    [
        (None, Format.TEXT),
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/plain", Format.TEXT),
        ("text/plain;version=0.0.4", Format.TEXT),
        (BROWSER, Format.TEXT),
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        (PROMETHEUS_3_WITH_NATIVE_HISTOGRAMS, Format.OPENMETRICS),
        (PROMETHEUS_ASKED_FOR_TEXT, Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0", Format.OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", Format.TEXT),
    ],
    ids=str,
)
def test_scrapers_get_the_format_that_prometheus_client_would_give(accept: str | None, fmt: Format) -> None:
    assert choose_format(accept) is fmt
    _, content_type = choose_encoder(accept or "")
    assert content_type.split(";")[0] == fmt.content_type.split(";")[0]


@pytest.mark.parametrize(
    ("accept", "fmt"),
    [
        ("Application/OpenMetrics-Text", Format.OPENMETRICS),
        ('application/openmetrics-text;version="1.0.0"', Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=0.0,text/plain", Format.TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.8", Format.TEXT),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.5", Format.OPENMETRICS),
        ("text/*;q=0.9,application/openmetrics-text;q=0.5", Format.TEXT),
        ("application/openmetrics-text;q=lots", Format.OPENMETRICS),
        ("application/openmetrics-text;q=nan", Format.OPENMETRICS),
        ("application/openmetrics-text;q=-1", Format.OPENMETRICS),
        ("application/openmetrics-textual", Format.TEXT),
        (";;;,,,=;q=", Format.TEXT),
        ("," * 100_000, Format.TEXT),
    ],
    ids=lambda value: str(value)[:60],
)
def test_weights_versions_and_rubbish(accept: str, fmt: Format) -> None:
    assert choose_format(accept) is fmt


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=1.0", True),
        ("br;q=1.0, gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("gzip;q=0, *", False),
        ("gzip ; q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("identity", False),
        ("deflate", False),
        ("gzipped", False),
    ],
    ids=str,
)
def test_gzip_is_sent_only_to_those_who_take_it(accept_encoding: str | None, *, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@pytest.mark.parametrize("accept_encoding", ["gzip", "gzip, deflate", "deflate", "", "br, gzip;q=0.5"], ids=repr)
def test_plain_lists_of_encodings_are_read_as_prometheus_client_reads_them(accept_encoding: str) -> None:
    assert accepts_gzip(accept_encoding) is gzip_accepted(accept_encoding)


@given(st.text(max_size=300) | st.text(",;=q/*gziptext.0 ", max_size=60))
def test_no_header_is_too_odd_to_be_answered(text: str) -> None:
    assert choose_format(text) in Format
    assert accepts_gzip(text) in {True, False}
