"""No way around passwords and the filter: requests spelt in any way, on one connection, over real sockets.

A page has a mark that no other has. What answers hold that to is only which marks there are, so that it does not matter where one
request ends for the server and where the next begins. kube-state-metrics had a way around its filter, through pprof.
"""

import base64
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import bcrypt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.web.serving import Server, serving
from tests.web.test_requests import LAST

MARKS = {"/metrics": b"# TYPE", "/": b"ksm_shard</title>", "/shard": b'"scraped"', "/owner": b'"slot"'}
RIGHT = "Basic " + base64.b64encode(b"alice:secret").decode()
SMUGGLED = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass(frozen=True)
class Spelt:
    """A request on the wire. `granted` is the page that its credentials are good for, if any."""

    method: str
    target: str
    version: str
    granted: str | None
    fields: tuple[str, ...]
    body: str

    def bytes(self, shown: str) -> bytes:
        """Return what is sent, with these credentials if they are good for anything."""
        fields = [*self.fields, *([f"Authorization: {shown}"] if self.granted else [])]
        lines = [f"{self.method} {self.target} {self.version}", *fields, "", self.body]
        return "\r\n".join(lines).encode("latin-1")


METHODS = st.sampled_from(
    ["GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "get", "GET\t", "PRI"]
)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", ""])
BEFORE = st.sampled_from(
    ["", "", "", "http://a", "HTTP://a:80", "https://alice:secret@a", "http:", "//a", "*", "a:80", "."]
)
BETWEEN = st.sampled_from(
    ["/", "/", "//", "/./", "/../", "/%2e/", "/%2E%2e/", "/x/..%2f", "%2f", "%2F", "%252f", "\\", "/%5c", ";/", "/;a=b/",
    "/livez/../", "/\t"]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "metrics", "metrics", "%6d%65trics", "%256detrics", "METRICS", "metrics.", "metrics/", "metrics;a=b", "metrics%00",
        "metrics%20", "metrics%3f", "metrics%23", "shard", "shard.", "owner", "owner?uid=1", "", "livez", "livez;/metrics",
        "livez%2f..%2fmetrics", "debug/pprof/", "debug/pprof/cmdline", "static/", "favicon.ico", "\xe9", "%c3%a9",
    ]
)  # fmt: skip
AFTER = st.sampled_from(["", "", "?", "?/livez", "#/livez", "?a=%0d%0aX: y", " HTTP/1.1", "/.", "/..", "%0a"])
FIELDS = st.lists(
    st.sampled_from(
        [
            "Host: a", "Host: a", "Host: b", "Host: a/livez", "Host: localhost:8081", "Host:", "Host: a@b",
            "Authorization:", "Authorization: Basic", "Authorization: Basic YWxpY2U6", "Authorization: Basic YWxpY2U6c2VjcmV0Cg==",
            "Authorization: Bearer", "Authorization: Bearer nobody", "Authorization: Bearer\ta:/metrics",
            "Authorization : Bearer a:/metrics",
            " Authorization: Bearer a:/metrics", "Proxy-Authorization: Bearer a:/metrics", "X-Forwarded-For: 127.0.0.1",
            "Authorization: Negotiate a:/metrics", "Authorization: Digest username=alice", "AUTHORIZATION_: Bearer a:/metrics",
            "X-Forwarded-Prefix: /livez", "SCRIPT_NAME: /livez", "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics",
            "X-Remote-User: root",
            "Content-Length: 0", "Content-Length: 37", "Content-Length: -1", "Content-Length: 0, 37", "Transfer-Encoding: chunked",
            "Transfer-Encoding: identity", "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked",
            "Connection: Authorization",
            "Connection: keep-alive", "Connection: close", "Upgrade: h2c", "Expect: 100-continue", "Cookie: a=/metrics",
            "Range: bytes=0-9",
        ]
    ),
    max_size=5,
).map(tuple)  # fmt: skip
BODIES = st.sampled_from(["", "", "", "0\r\n\r\n", SMUGGLED, "25\r\n" + SMUGGLED + "\r\n0\r\n\r\n", "\r\n", "\x00"])
REQUESTS = st.builds(
    Spelt,
    METHODS,
    st.builds("".join, st.tuples(BEFORE, BETWEEN, NAMES, AFTER)),
    VERSIONS,
    st.none() | st.sampled_from(sorted(MARKS)),
    FIELDS,
    BODIES,
)
ANY = settings(max_examples=200)


@pytest.fixture(scope="module")
def tokens() -> Iterator[Server]:
    """A server that believes a token which names its rights."""
    with serving("--tokens") as running:
        yield running


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one user."""
    file = tmp_path_factory.mktemp("web") / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}'}}\n")
    with serving("--web-config", str(file)) as running:
        yield running


def answers(server: Server, port: int, sent: bytes) -> bytes:
    """All that a connection gets."""
    found = b""
    with server.connect(port=port) as client, suppress(ConnectionError):
        client.sendall(sent + LAST)
        client.shutdown(socket.SHUT_WR)
        while piece := client.recv(1 << 16):
            found += piece
    return found


def marked(found: bytes) -> set[str]:
    """The pages that answers have."""
    return {path for path, mark in MARKS.items() if mark in found}


PLAIN = Spelt("GET", "/metrics", "HTTP/1.1", None, ("Host: a",), "")


@ANY
@example([Spelt("GET", "/", "HTTP/1.1", "/", ("Host: a",), ""), PLAIN])
@example([Spelt("GET", "/", "HTTP/1.1", "/", ("Host: a", "Transfer-Encoding: chunked"), "0\r\n\r\n" + SMUGGLED)])
@example([Spelt("GET", "/livez/../metrics", "HTTP/1.1", None, ("Host: a",), "")])
@example([Spelt("GET", "http://a/metrics", "HTTP/1.1", None, ("Host: a",), "")])
@example([Spelt("GET", "/metrics", "HTTP/1.1", "/shard", ("Host: a", "Authorization: Bearer a:/metrics"), "")])
@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_the_filter(tokens: Server, requests: list[Spelt]) -> None:
    """On either port no page is there but those whose own request showed a token that is good for it."""
    sent = b"".join(one.bytes(f"Bearer a:{one.granted}") for one in requests)
    for port in tokens.main, tokens.telemetry:
        assert marked(answers(tokens, port, sent)) <= {one.granted for one in requests}


@ANY
@example([PLAIN])
@example([Spelt("GET", "https://alice:secret@a/metrics", "HTTP/1.1", None, ("Host: a",), "")])
@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_passwords(passwords: Server, requests: list[Spelt]) -> None:
    """Without the password nothing is a success, probes included; with it, as much as there are requests that show it."""
    for port in passwords.main, passwords.telemetry:
        sent = b"".join(one.bytes(RIGHT) for one in requests if one.granted is None)
        assert not re.search(rb"HTTP/1\.[01] [23]", answers(passwords, port, sent))
        found = answers(passwords, port, b"".join(one.bytes(RIGHT) for one in requests))
        shown = sum(one.granted is not None for one in requests)
        assert len(re.findall(rb"HTTP/1\.[01] [23]", found)) <= shown


@ANY
@given(
    st.sampled_from(["Basic", "basic ", "Bearer", "BEARER ", "Basic\t", ""]),
    st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n:"), max_size=60)
    | st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
    | st.integers(5000, 20_000).map(lambda length: "A" * length),
)
def test_any_credentials(tokens: Server, passwords: Server, scheme: str, value: str) -> None:
    """Whatever a header says, long or in any bytes, it lets nobody in and ends no process."""
    sent = f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: {scheme} {value}\r\nConnection: close\r\n\r\n".encode(
        "latin-1"
    )
    for server in tokens, passwords:
        with server.connect() as client, suppress(ConnectionError):
            client.sendall(sent)
            assert re.match(rb"HTTP/1\.1 4\d\d |HTTP/1\.1 503 |$", client.recv(1 << 16))
    assert tokens.get("/livez").status == 200
    assert passwords.get("/livez", authorization=RIGHT).status == 200


def test_the_marks(tokens: Server) -> None:
    """Each page has its mark, so that one that were served would be seen."""
    for path, mark in MARKS.items():
        query = "?uid=1" if path == "/owner" else ""
        assert mark in tokens.get(path + query, authorization=f"Bearer a:{path}").body
        assert marked(tokens.get(path + query, authorization=f"Bearer a:{path}").body) == {path}
