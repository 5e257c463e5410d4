"""Which form a client gets; the headers are those that Prometheus, VictoriaMetrics, curl and browsers send."""

import pytest

from ksm_shard.web.negotiation import OPENMETRICS, TEXT, accepts_gzip, wants_openmetrics
from tests.web.serving import Server

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTO = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0.7," + PROMETHEUS_3


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/plain", False),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", False),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"', True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", False),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.6", False),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.6", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=much", False),
        ("application/openmetrics-text,text/plain", True),
        ("text/plain,application/openmetrics-text", False),
        (PROMETHEUS_3, True),
        (PROMETHEUS_3_PROTO, True),
    ],
)
def test_accept(accept: str, expected: bool) -> None:
    """The highest quality that can be served wins, then what is named first; text is for all who say nothing."""
    assert expected == wants_openmetrics(accept)


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, identity", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("*;q=0", False),
        ("identity", False),
        ("br", False),
    ],
)
def test_accept_encoding(accept_encoding: str, expected: bool) -> None:
    """Gzip is for those who name it, or anything, with a quality above 0."""
    assert expected == accepts_gzip(accept_encoding)


def test_text_by_default(server: Server) -> None:
    """Who asks for nothing gets text, as it is."""
    answer = server.get("/metrics")

    assert (200, TEXT) == (answer.status, answer.headers["content-type"])
    assert "content-encoding" not in answer.headers
    assert answer.body.startswith(b"# HELP ")


def test_openmetrics_ends_with_eof(server: Server) -> None:
    """OpenMetrics is the same text and its end."""
    text, openmetrics = server.get("/metrics"), server.get("/metrics", accept=PROMETHEUS_3)

    assert openmetrics.headers["content-type"] == OPENMETRICS
    assert text.body + b"# EOF\n" == openmetrics.body


def test_caches_are_told_what_decides(server: Server) -> None:
    """Both headers that choose the form are named by Vary, and nothing is to be kept."""
    headers = server.get("/metrics").headers

    assert {"accept", "accept-encoding"} == {name.strip().lower() for name in headers["vary"].split(",")}
    assert headers["cache-control"] == "no-store"
