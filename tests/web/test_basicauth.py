"""Passwords: who is let in, that each is checked once, and that wrong ones keep nobody waiting."""

import base64
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.web.access import GRANTED, UNAUTHORIZED, Asked, CredentialCheck, Verdict
from ksm_shard.web.basicauth import WRONG, BasicAuth, credentials
from ksm_shard.web.webfile import RateLimit
from tests.processes import eventually
from tests.web.flooding import flooded, worker
from tests.web.serving import Server, serving

# The lowest cost that there is: 1 ms.
SECRET = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
# The usual one.
SLOW = bcrypt.hashpw(b"slow", bcrypt.gensalt(10)).decode()


def basic(name: str, password: str) -> str:
    """The field of these credentials."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def asked(*fields: str) -> Asked:
    """A request with these fields."""
    return Asked("GET", "/metrics", fields)


def verdict(auth: BasicAuth, *fields: str) -> tuple[Verdict, bool]:
    """The verdict, and whether something had to be found out for it."""
    found = auth.look(asked(*fields))
    return (found.run(), True) if isinstance(found, CredentialCheck) else (found, False)


def test_checked_once() -> None:
    """A password is checked when it comes first, right or wrong, and for a user that there is not as well."""
    auth = BasicAuth({"alice": SECRET})
    for name, password, expected in (
        ("alice", "secret", GRANTED),
        ("alice", "Secret", UNAUTHORIZED),
        ("bob", "secret", UNAUTHORIZED),
    ):
        assert (expected, True) == verdict(auth, basic(name, password))
        assert (expected, False) == verdict(auth, basic(name, password))


def test_wrong_ones_push_out_no_right_one() -> None:
    """However many wrong passwords there were, the right one is remembered, and of the wrong ones no more than so many."""
    auth = BasicAuth({"alice": SECRET})
    verdict(auth, basic("alice", "secret"))
    for number in range(WRONG + 10):
        verdict(auth, basic("bob", str(number)))

    assert (GRANTED, False) == verdict(auth, basic("alice", "secret"))
    assert (UNAUTHORIZED, True) == verdict(auth, basic("bob", "0"))
    assert (UNAUTHORIZED, False) == verdict(auth, basic("bob", str(WRONG + 9)))


def test_unknown_users_take_as_long() -> None:
    """A user that there is not costs what the slowest of those costs that there are."""
    auth = BasicAuth({"alice": SECRET, "carol": SLOW})

    def seconds(name: str) -> float:
        began = time.thread_time()
        verdict(auth, basic(name, "wrong"))
        return time.thread_time() - began

    assert seconds("bob") > 10 * seconds("alice")
    assert 0.3 < seconds("dave") / seconds("carol") < 3


def test_long_passwords() -> None:
    """Of a password 72 bytes are read; what follows is passed over, as in exporter-toolkit."""
    auth = BasicAuth({"alice": bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()})

    assert verdict(auth, basic("alice", "a" * 100))[0] == GRANTED
    assert verdict(auth, basic("alice", "a" * 71))[0] == UNAUTHORIZED


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (["Basic YTpi"], (b"a", b"b")),
        (["bASIC YTpi"], (b"a", b"b")),
        (["Basic YTpiOmM="], (b"a", b"b:c")),
        (["Basic Og=="], (b"", b"")),
        (["Basic YQ=="], None),
        (["Basic  YTpi"], None),
        (["Basic YTpi="], None),
        (["Basic"], None),
        (["Basic "], None),
        (["Bearer YTpi"], None),
        (["YTpi"], None),
        ([], None),
        (["Basic YTpi", "Basic YTpi"], None),
    ],
)
def test_fields(fields: Sequence[str], found: tuple[bytes, bytes] | None) -> None:
    """There has to be one field, of that scheme, in base64, with a colon."""
    assert found == credentials(fields)


@given(st.lists(st.text(), max_size=2) | st.binary().map(lambda data: ["Basic " + base64.b64encode(data).decode()]))
def test_any_field(fields: list[str]) -> None:
    """Whatever stands there lets nobody in who does not have the password."""
    assert verdict(BasicAuth({"alice": SECRET}), *fields)[0] == UNAUTHORIZED


def test_rate() -> None:
    """A burst is let through, then no more; a request counts once, however often it is looked at."""
    limit = RateLimit(3600.0, 2)
    first = asked()

    assert [limit.look(first) == GRANTED for _ in range(3)] == [True] * 3
    assert [limit.look(asked()) == GRANTED for _ in range(3)] == [True, False, False]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with two users."""
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: '{SECRET}', carol: '{SLOW}'}}\n")
    with serving("--web-config", str(tmp_path / "web.yml")) as running:
        yield running


def test_every_page(server: Server, tmp_path: Path) -> None:
    """Passwords are asked for on both ports, for each page, even a probe's, as in exporter-toolkit; and change with the file."""
    for port in server.main, server.telemetry:
        for path in "/", "/metrics", "/livez", "/readyz", "/healthz", "/nothing", "//metrics", "/%6detrics":
            refused = server.get(path, port=port)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Basic")
            assert server.get(path, port=port, authorization=basic("alice", "wrong")).status == 401
            assert server.get(path, port=port, authorization=basic("alice", "secret")).status in {200, 404}
    # With the one by which the fixture waits for the server.
    denied = 'ksm_shard_requests_denied_total{reason="credentials"}'
    assert f"{denied} 33.0" in server.get("/metrics", port=server.telemetry, authorization=basic("carol", "slow")).text

    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{bob: '{SECRET}'}}\n")
    assert server.get("/livez", authorization=basic("alice", "secret")).status == 401
    assert server.get("/livez", authorization=basic("bob", "secret")).status == 200


def test_methods(server: Server) -> None:
    """No method gets past, and an answer without a body has none."""
    for method in "GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "METRICS":
        answer = server.get("/metrics", method)
        assert (answer.status, answer.body) == (401, b"" if method == "HEAD" else b"Unauthorized\n")


def cpu(server: Server) -> int:
    """Return the ticks of CPU that a server has used, which other work on the machine does not change."""
    return sum(map(int, Path(f"/proc/{worker(server)}/stat").read_text().rpartition(") ")[2].split()[11:13]))


def test_the_same_at_once(server: Server) -> None:
    """Twenty that ask at once with a password that was not seen before wait for one check."""
    before = cpu(server)
    assert server.get("/livez", authorization=basic("carol", "wrong")).status == 401
    one = cpu(server) - before
    found: list[int] = []

    def ask() -> None:
        found.append(server.get("/livez", authorization=basic("carol", "slow")).status)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [200] * 20
    assert cpu(server) - before - one < 10 * one


@pytest.mark.parametrize("seconds", [3.0, pytest.param(60.0, marks=[pytest.mark.slow, pytest.mark.xdist_group("e2e")])])
def test_flood(server: Server, seconds: float) -> None:
    """A thousand wrong passwords a second hold up neither scrapes nor probes whose password was right before, nor take memory."""
    right = {"authorization": basic("carol", "slow")}
    said = flooded(server, "basic", {"/metrics": right, "/livez": right}, seconds)

    rate, _, answers = said.partition(" ")
    assert float(rate) > 200
    assert "'200'" not in answers
    assert "'503'" in answers
    # And afterwards anybody else gets their turn.
    eventually(lambda: server.get("/livez", authorization=basic("alice", "secret")).status == 200, "alice has to wait")
