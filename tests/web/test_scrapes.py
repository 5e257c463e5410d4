"""What a scrape's body is: exact in length, one gzip member, the resources that were asked for."""

import gzip
import shutil
import subprocess
import zlib

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.processes import eventually
from tests.web.serve_fake import text_of
from tests.web.serving import Answer, Server, serving

OPENMETRICS = "application/openmetrics-text"
EVERYTHING = text_of("pods", 100) + text_of("nodes", 100)


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_gzip_is_one_member(server: Server, accept: str) -> None:
    """Strict readers stop at the end of the first member: there is nothing after it, and all is in it."""
    plain = server.get("/metrics", accept=accept)
    zipped = server.get("/metrics", accept=accept, accept_encoding="gzip")
    reader = zlib.decompressobj(31)

    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.body == gzip.decompress(zipped.body) == reader.decompress(zipped.body)
    assert reader.eof
    assert reader.unused_data == b""


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("query", ["", "?resources=nodes", "?exclude_resources=nodes,pods"])
def test_length_is_exact(server: Server, query: str, encoding: str) -> None:
    """Content-Length is sent, not chunks: HEAD says the same as GET, without a body."""
    got = server.get(f"/metrics{query}", accept_encoding=encoding)
    head = server.get(f"/metrics{query}", "HEAD", accept_encoding=encoding)

    assert str(len(got.body)) == got.headers["content-length"] == head.headers["content-length"]
    assert "transfer-encoding" not in got.headers
    assert (200, b"") == (head.status, head.body)


def test_curl_reads_it(server: Server) -> None:
    """`curl --compressed` takes it without complaint."""
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("there is no curl")
    command = [curl, "--silent", "--show-error", "--fail", "--compressed", f"http://127.0.0.1:{server.main}/metrics"]

    assert EVERYTHING == subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def test_no_gzip() -> None:
    """Compression can be turned off, whatever a client accepts."""
    with serving("--no-gzip") as server:
        answer = server.get("/metrics", accept_encoding="gzip")

    assert "content-encoding" not in answer.headers
    assert EVERYTHING == answer.text


def test_openmetrics_parses(server: Server) -> None:
    """The strict parser of OpenMetrics finds every sample."""
    families = list(text_string_to_metric_families(server.get("/metrics", accept=OPENMETRICS).text))

    assert {"kube_pods_info": 100, "kube_nodes_info": 100} == {each.name: len(each.samples) for each in families}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", EVERYTHING),
        ("?resources=pods", text_of("pods", 100)),
        ("?resources=pods,nodes", EVERYTHING),
        ("?resources=pods&resources=nodes", EVERYTHING),
        ("?resources=", EVERYTHING),
        ("?exclude_resources=pods", text_of("nodes", 100)),
        ("?exclude_resources=pods,leases", text_of("nodes", 100)),
        ("?resources=pods&exclude_resources=pods", ""),
    ],
)
def test_resources_can_be_chosen(server: Server, query: str, expected: str) -> None:
    """`resources` are served alone, `exclude_resources` never; a list adds up, an empty one is none."""
    assert expected == server.get(f"/metrics{query}").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("resources=pods,podz", "resource 'podz' is not one that is exported here: see the list at /\n"),
        ("resources=leases", "resource 'leases' is not one that is exported here: see the list at /\n"),
        ("exclude_resources=pods,podz", "there is no resource 'podz'\n"),
    ],
)
def test_unknown_resources_are_refused(server: Server, query: str, said: str) -> None:
    """A misspelt resource is an error, and one that is off where it is asked for: both would look like an empty cluster."""
    answer = server.get(f"/metrics?{query}")

    assert (400, said) == (answer.status, answer.text)


def test_nothing_before_the_first_sync(loading: Server) -> None:
    """503 and Retry-After, never an empty 200: that would end series and resolve alerts."""
    answers: list[Answer] = [loading.get("/metrics"), loading.get("/metrics", accept_encoding="gzip")]

    assert [503, 503] == [answer.status for answer in answers]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert "see /readyz" in answers[0].text


def test_other_methods(server: Server) -> None:
    """A scrape is asked for by GET or HEAD."""
    answer = server.get("/metrics", "POST", content_length="0")

    assert answer.status == 405
    assert {"GET", "HEAD", "OPTIONS"} == {name.strip() for name in answer.headers["allow"].split(",")}


def test_only_a_scrape_that_was_read_to_its_end_counts() -> None:
    """Who goes away in the middle, or asks for the header alone, has not had what is about to go."""
    with serving("--samples=200000") as server:
        server.get("/metrics", "HEAD")
        with server.connect(received=4096) as sock:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.recv(4096)
        server.get("/metrics")

        eventually(lambda: server.get("/shard").text != '{"scraped": 0}', "no scrape counts")
        assert server.get("/shard").text == '{"scraped": 1}'
