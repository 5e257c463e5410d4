"""`--auth-filter`: what is asked of the API server and for how long it counts, and that nothing else opens a page.

The API server is a table here; a simulated and a real one are asked in tests/e2e/test_secured.py.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ksm_shard.web.access import (
    DENIED,
    GRANTED,
    HEALTH,
    PAGES,
    VERDICT,
    Asked,
    CredentialCheck,
    Gate,
    Granted,
    Refusal,
    Verdict,
    guarded,
)
from ksm_shard.web.app import main_app, telemetry_app
from ksm_shard.web.telemetry import Telemetry
from ksm_shard.web.tokens import AGAIN, ALLOWED, KNOWN, MOST, STALE, TokenFilter, bearer
from ksm_shard.web.tokens import DENIED as DENIED_FOR
from ksm_shard.web.unread import Unread
from tests.web.flooding import flooded
from tests.web.serve_fake import FakeSource
from tests.web.serving import Server, serving


class Reviewer:
    """A table of tokens and of what their users may get; counts what it is asked."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {"good": "prometheus", "poor": "nobody-much"}
        self.rights = {("prometheus", "get", "/metrics")}
        self.asked: list[str] = []
        self.away = False

    def user(self, token: str) -> Mapping[str, Any] | None:
        """Who that is."""
        self._ask("who")
        name = self.users.get(token)
        return {"username": name} if name else None

    def allowed(self, user: Mapping[str, Any], verb: str, path: str) -> bool:
        """Whether they may."""
        self._ask("may")
        return (user["username"], verb, path) in self.rights

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise OSError("no route to host")


class World:
    """A filter with its reviewer and its clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.reviewer = Reviewer()
        self.filter = TokenFilter(self.reviewer, lambda: self.now)

    def ask(self, token: str, path: str = "/metrics", method: str = "GET") -> tuple[str, str]:
        """The status of an answer, and what was asked for it."""
        before = len(self.reviewer.asked)
        found: Verdict | CredentialCheck = self.filter.look(Asked(method, path, [f"Bearer {token}"]))
        if isinstance(found, CredentialCheck):
            found = found.run()
        status = found.status[:3] if isinstance(found, Refusal) else "200"
        return status, " ".join(self.reviewer.asked[before:])


def test_answers() -> None:
    """A token of nobody is a 401, a user without the right a 403; each is asked about once."""
    world = World()
    for token, status, asked in ("good", "200", "who may"), ("poor", "403", "who may"), ("bad", "401", "who"):
        assert (status, asked) == world.ask(token)
        assert (status, "") == world.ask(token)


def test_times() -> None:
    """Whose a token is counts for a minute, a right for five, that there is none for half a minute."""
    world = World()
    world.ask("good")
    world.ask("poor")
    world.ask("bad")
    world.now += DENIED_FOR
    assert [world.ask(token) for token in ("good", "poor", "bad")] == [("200", ""), ("403", "may"), ("401", "")]
    world.now += KNOWN - DENIED_FOR
    assert [world.ask(token) for token in ("good", "poor", "bad")] == [
        ("200", "who"),
        ("403", "who may"),
        ("401", "who"),
    ]
    world.now += ALLOWED - KNOWN
    assert world.ask("good") == ("200", "who may")


def test_renewals() -> None:
    """What was granted is renewed; what was not, and another page of the same token, is asked like anything else."""
    world = World()
    for token in "good", "poor", "bad":
        world.ask(token)
    world.now += ALLOWED

    def renews(token: str, path: str = "/metrics") -> bool:
        found = world.filter.look(Asked("GET", path, [f"Bearer {token}"]))
        assert isinstance(found, CredentialCheck)
        return found.renews

    assert [renews("good"), renews("good", "/shard"), renews("poor"), renews("bad"), renews("new")] == [True] + [
        False
    ] * 4


def test_what_is_taken_away() -> None:
    """A token that is revoked is out after a minute, a right that is withdrawn after five."""
    world = World()
    world.ask("good")
    world.reviewer.rights.clear()
    world.now += ALLOWED
    assert world.ask("good")[0] == "403"

    world = World()
    world.ask("good")
    del world.reviewer.users["good"]
    world.now += KNOWN
    assert world.ask("good")[0] == "401"
    world.reviewer.away = True
    assert world.ask("good")[0] == "401"


def test_somebody_else() -> None:
    """A token that has become another user's has none of the first one's rights."""
    world = World()
    world.ask("good")
    world.reviewer.users["good"] = "nobody-much"
    world.now += KNOWN
    assert world.ask("good") == ("403", "who may")


def test_an_api_server_that_is_away() -> None:
    """Who was let in just before goes on, for ten minutes from the last answer; nobody else is let in."""
    world = World()
    world.ask("good")
    world.ask("poor")
    began = world.now
    world.reviewer.away = True
    assert world.ask("new") == ("503", "who")
    assert world.ask("new") == ("503", "who")
    assert world.ask("good", "/shard")[0] == "503"
    world.now += KNOWN
    assert world.ask("poor")[0] == "503"
    assert world.ask("good") == ("200", "who")
    assert world.ask("good") == ("200", "")  # it is not asked again for each scrape, which would wait for it
    while world.now < began + STALE - AGAIN:
        world.now += AGAIN
        assert world.ask("good")[0] == "200"
    world.now = began + STALE
    assert world.ask("good")[0] == "503"
    world.reviewer.away = False
    assert world.ask("good")[0] == "200"


def test_other_pages_and_methods() -> None:
    """Of paths that are no pages and methods that no page answers nothing is asked: who has a token is told that there is none."""
    world = World()
    world.ask("poor")
    for path, method in (
        ("/nothing", "GET"),
        ("/metrics/", "GET"),
        ("//metrics", "GET"),
        ("/metrics", "DELETE"),
        ("", "GET"),
    ):
        found = world.filter.look(Asked(method, path, ["Bearer poor"]))
        assert found == GRANTED  # for no page at all
    assert world.ask("good", method="HEAD")[0] == "403"
    world.reviewer.rights.add(("prometheus", "head", "/metrics"))
    assert world.ask("good", "/shard", "HEAD")[0] == "403"


def test_health() -> None:
    """Those of probes are open, in exactly this spelling."""
    world = World()
    for path in HEALTH:
        assert isinstance(world.filter.look(Asked("GET", path, [])), Granted)
        for odd in path + "/", "/" + path, path.upper(), path + "\n", path + "/../metrics":
            assert isinstance(world.filter.look(Asked("GET", odd, [])), Refusal)


def test_memory() -> None:
    """Wrong tokens push out wrong ones only, and no more than so many are kept."""
    world = World()
    world.ask("good")
    for number in range(MOST + 1):
        world.ask(f"wrong{number}")

    assert world.ask("good") == ("200", "")
    assert world.ask("wrong0") == ("401", "who")
    assert world.ask(f"wrong{MOST}") == ("401", "")


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        (["Bearer abc"], "abc"),
        (["bearer abc"], "abc"),
        (["Bearer abc def"], "abc"),
        (["Bearer  abc"], None),
        (["Bearer "], None),
        (["Bearer"], None),
        (["Basic abc"], None),
        (["abc"], None),
        ([], None),
        (["Bearer abc", "Bearer abc"], None),
    ],
)
def test_fields(fields: Sequence[str], token: str | None) -> None:
    """The token is found as apiserver finds it, in one field; of two none is taken."""
    assert token == bearer(fields)


def test_all_pages_are_known() -> None:
    """Each rule of both sites is a page or a probe's, so that each page has its own right."""
    source = FakeSource(1, synced=True)
    telemetry = Telemetry(source)
    unread = Unread(source.retired, telemetry.dropped, time.monotonic)
    main = main_app(
        source, telemetry, unread, gzip=True, scrapes=1, telemetry_port=1, draining=lambda: False, by_right=True
    )
    other = telemetry_app(source, telemetry, main_port=1, draining=lambda: False, by_right=True)
    rules = {rule.rule for site in (main, other) for rule in site.url_map.iter_rules()}

    assert rules == PAGES | HEALTH


def test_a_site_that_was_told_nothing() -> None:
    """Without a verdict, or with one about another page, nothing is served."""
    source = FakeSource(1, synced=True)
    telemetry = Telemetry(source)
    site = telemetry_app(source, telemetry, main_port=1, draining=lambda: False, by_right=True)
    found = {}
    for told in (None, GRANTED, Granted("/"), Granted("/metrics"), Refusal("rights", "403 Forbidden", "no")):
        token = VERDICT.set(told) if told is not None else None
        found[told] = [site.test_client().get(path).status_code for path in ("/metrics", "/", "/livez")]
        if token is not None:
            VERDICT.reset(token)

    assert list(found.values()) == [[403, 403, 200], [403, 403, 200], [403, 200, 200], [200, 403, 200], [403, 403, 200]]
    assert list(guarded(lambda environ, start: [b"served"])({"REQUEST_METHOD": "GET"}, lambda *_: None)) != [b"served"]


def test_the_first_refusal_decides() -> None:
    """Questions are asked in order, a check's result takes the place of its question, and each refusal is counted."""

    class Fixed:
        def __init__(self, answer: Verdict | CredentialCheck) -> None:
            self.answer = answer

        def look(self, asked: Asked) -> Verdict | CredentialCheck:
            return self.answer

    counted: list[str] = []
    refusal = Refusal(DENIED[0], "401 Unauthorized", "no")
    check = CredentialCheck(b"key", lambda: GRANTED)
    asked = Asked("GET", "/", [])
    gate = Gate(lambda: [Fixed(GRANTED), Fixed(check), Fixed(refusal)], counted.append)

    assert gate.look(asked) == check
    asked.found[check.key] = GRANTED
    assert gate.look(asked) == refusal
    assert counted == [DENIED[0]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that believes a token which names its rights."""
    with serving("--tokens") as running:
        yield running


def test_for_real(server: Server) -> None:
    """Who has the right to a page gets it, on the port that has it, and no other."""
    for port in server.main, server.telemetry:
        for path in PAGES:
            told = {
                token: server.get(path, port=port, **({"authorization": f"Bearer {token}"} if token else {})).status
                for token in ("", "nobody", "a:/other", f"a:{path}")
            }
            there = (
                404 if port == server.telemetry and path in {"/shard", "/owner"} else 400 if path == "/owner" else 200
            )
            assert told == {"": 401, "nobody": 401, "a:/other": 403, f"a:{path}": there}
        for path in HEALTH:
            assert server.get(path, port=port).status == 200


SLASHES = st.sampled_from(
    ["/", "//", "/./", "/x/../", "/%2f", "\\", "/;/", "%2F", "http://a/", "/livez/../", "/livez/", ""]
)
NAMES = st.sampled_from(
    ["metrics", "METRICS", "%6detrics", "metrics/", "metrics%00", "metrics;livez", "shard", "owner?uid=1", ""]
)
TAILS = st.sampled_from(["", "?", "?x=/livez", "#/livez", "/livez", "%3f/livez", "/..%2flivez", " /livez", "\t"])
METHODS = st.sampled_from(
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "get", "GET\t", "G@T", "CONNECT", "METRICS"]
)
FIELDS = st.lists(
    st.sampled_from(
        [
            "Authorization: Bearer nobody", "Authorization: Basic YTovbWV0cmljcw==", "Authorization : Bearer a:/metrics",
            "authorization:Bearer", "X-Forwarded-Prefix: /livez", "X-Original-URL: /livez", "SCRIPT_NAME: /metrics",
            "X-Rewrite-Url: /metrics", "X-Remote-User: system:admin", "X_Authorization: Bearer a:/metrics",
            "X-HTTP-Method-Override: GET", "Connection: Authorization", "Upgrade: h2c", "Host: a/livez", "Host: livez",
        ]
    ),
    max_size=4,
)  # fmt: skip


@settings(max_examples=400)
@example("GET", "//", "metrics", "", [])
@example("GET", "/livez/../", "metrics", "", [])
@example("HEAD", "", "", "/livez", [])
@given(METHODS, SLASHES, NAMES, TAILS, FIELDS)
def test_no_way_around(server: Server, method: str, slash: str, name: str, tail: str, fields: list[str]) -> None:
    """Whatever a request without a token is spelt like, on either port, it gets nothing but what probes get."""
    lines = [f"{method} {slash}{name}{tail} HTTP/1.1", "Host: a", "Connection: close", *fields, "", ""]
    for port in server.main, server.telemetry:
        with server.connect(port=port) as client:
            client.sendall("\r\n".join(lines).encode())
            said = b""
            while piece := client.recv(1 << 16):
                said += piece
        status, body = said[9:12], said.partition(b"\r\n\r\n")[2]
        assert b"kube_" not in said
        assert b"ksm_shard" not in said
        if f"{slash}{name}{tail}" != "/livez":  # which is open, to a HEAD and to a 405 as well
            assert status in {b"400", b"401", b"413", b"431"} or body in {
                b"alive\n",
                b"ready\nsecrets: forbidden (exempt)\n",
            }


@settings(max_examples=200)
@given(METHODS, SLASHES, NAMES, TAILS)
def test_no_way_to_another_page(server: Server, method: str, slash: str, name: str, tail: str) -> None:
    """Whoever may see the page of one path sees no other, whatever it is spelt like."""
    lines = [
        f"{method} {slash}{name}{tail} HTTP/1.1",
        "Host: a",
        "Connection: close",
        "Authorization: Bearer a:/",
        "",
        "",
    ]
    with server.connect() as client:
        client.sendall("\r\n".join(lines).encode())
        said = b""
        while piece := client.recv(1 << 16):
            said += piece
    assert b"\nkube_pods_info{" not in said
    assert b"application/json" not in said


@pytest.mark.parametrize("seconds", [2.0, pytest.param(60.0, marks=[pytest.mark.slow, pytest.mark.xdist_group("e2e")])])
def test_flood(server: Server, seconds: float) -> None:
    """Wrong tokens, a thousand a second, hold up neither scrapes nor probes, nor take memory."""
    flooded(server, "bearer", {"/metrics": {"authorization": "Bearer a:/metrics"}, "/livez": {}}, seconds)
