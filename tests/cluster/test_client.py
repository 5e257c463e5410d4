"""Requests against a real socket: what each way of failing is called, and how a read is broken off.

How credentials are found is in test_connect.
"""

import threading
from collections.abc import Callable

import pytest

from ksm_shard.cluster.calls import Call, socket_options
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import (
    Cancelled,
    Forbidden,
    Gone,
    NotFound,
    RequestError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from ksm_shard.wire.frames import seal
from ksm_shard.wire.messages.meta_v1_pb2 import Status
from tests.cluster.server import Request, serving

PATH = "/api/v1/pods"


def test_success() -> None:
    """The answer is handed over as it came, with its type; the query is encoded, and no compression is asked for."""
    with serving(lambda request: request.answer(b"abc", kind="Application/X; a=b")) as server:
        sizes: list[int] = []
        with connect(server.url).get(PATH, {"fieldSelector": "a!=b&c"}, "x/y", Call(sizes.append)) as response:
            assert (response.content_type, response.body()) == ("application/x; a=b", b"abc")

    assert server.requests[0].query == {"fieldSelector": "a!=b&c"}
    assert server.requests[0].headers["Accept"] == "x/y"
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert sizes == [3]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, Unsupported),
        (400, Unsupported),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (406, Unsupported),
        (410, Gone),
        (415, Unsupported),
        (422, Unsupported),
        (429, TooManyRequests),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
@pytest.mark.parametrize("form", ["json", "protobuf", "text"])
def test_status(status: int, kind: type[RequestError], form: str) -> None:
    """Each status has its error, which names the path and says what the server said, in whatever form it did."""
    bodies = {
        "json": (b'{"kind":"Status","message":"so it is"}', "application/json"),
        "protobuf": (
            seal("v1", "Status", Status(message="so it is").SerializeToString()),
            "application/vnd.kubernetes.protobuf",
        ),
        "text": (b"so\nit is", "text/html"),
    }
    body, media = bodies[form]
    with (
        serving(lambda request: request.answer(body, status, media)) as server,
        pytest.raises(RequestError) as caught,
    ):
        connect(server.url).get(PATH, {"limit": "5"}, "x/y")

    assert type(caught.value) is kind
    assert str(caught.value) == f"{PATH}: {status} so it is"
    assert caught.value.code == status


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (203, "application/json", b'{"kind":"SecretList","message":"hunter2","items":[]}'),
        (206, "text/plain", b"hunter2"),
        (500, "application/json", b'{"kind":"SecretList","items":[{"data":"hunter2'),
        (502, "application/vnd.kubernetes.protobuf", b"k8s\0hunter2"),
        (0, "", b"hunter2 of another answer\r\n\r\n"),
    ],
)
def test_nothing_but_a_reason_is_quoted(status: int, kind: str, body: bytes) -> None:
    """A failed answer that is neither a Status nor a proxy's page may be what was asked for, half a secret even."""

    def answer(request: Request) -> None:
        if status:
            request.answer(body, status, kind)
        else:
            request.wfile.write(body)
            request.close_connection = True

    with serving(answer) as server, pytest.raises(RequestError) as caught:
        connect(server.url).get(PATH, {}, "x/y")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int) -> None:
    """The header says how long to wait, else the body, else nobody; the waiting is left to the caller."""
    body = {"kind": "Status", "details": {"retryAfterSeconds": 3}}
    answers: list[Callable[[Request], None]] = [
        lambda request: request.answer(body, status, Retry_After="7"),
        lambda request: request.answer(body, status),
        lambda request: request.answer({}, status, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"),
        lambda request: request.answer({}, status, Retry_After="\xb2"),
        lambda request: request.answer({}, status, Retry_After="9" * 5000),
    ]
    waits = []
    for answer in answers:
        with serving(answer) as server, pytest.raises(Unavailable) as caught:
            connect(server.url).get(PATH, {}, "x/y")
        waits.append(caught.value.retry_after)
        assert len(server.requests) == 1

    assert waits == [7, 3, 0, 0, 999_999_999]


def test_nobody_there() -> None:
    """A port where nobody listens is a server that is not available, in the words of the operating system."""
    with serving(lambda request: None) as server:
        api = connect(server.url)
    with pytest.raises(Unavailable, match=f"^{PATH}: 127.0.0.1:{server.server_port}: Connection refused$"):
        api.get(PATH, {}, "x/y")


def test_no_answer() -> None:
    """A connection that is closed instead of answered is a server that is not available."""

    def close(request: Request) -> None:
        request.close_connection = True

    with (
        serving(close) as server,
        pytest.raises(Unavailable, match=f"^{PATH}: the connection was closed without an answer$"),
    ):
        connect(server.url).get(PATH, {}, "x/y")


def test_no_http() -> None:
    """Something that does not speak HTTP is a server that is not available."""

    def nonsense(request: Request) -> None:
        request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        request.close_connection = True

    with serving(nonsense) as server, pytest.raises(Unavailable, match=PATH):
        connect(server.url).get(PATH, {}, "x/y")


def short_body(request: Request) -> None:
    """Promise more than is sent."""
    request.begin(Content_Length="100")
    request.wfile.write(b"abc")
    request.close_connection = True


def short_chunk(request: Request) -> None:
    """End inside a chunk."""
    request.begin(Transfer_Encoding="chunked")
    request.chunk(b"abc")
    request.wfile.write(b"ff\r\nabc")
    request.close_connection = True


def missing_chunk(request: Request) -> None:
    """End between two chunks, without the last one."""
    request.begin(Transfer_Encoding="chunked")
    request.chunk(b"abc")
    request.close_connection = True


@pytest.mark.parametrize("answer", [short_body, short_chunk, missing_chunk])
@pytest.mark.parametrize("streaming", [True, False])
def test_cut_short(answer: Callable[[Request], None], streaming: bool) -> None:
    """An answer that is cut short is never taken for a whole one."""
    with (
        serving(answer) as server,
        connect(server.url).get(PATH, {}, "x/y") as response,
        pytest.raises(Unavailable, match=PATH),
    ):
        list(response.chunks(5)) if streaming else response.body()


@pytest.mark.parametrize("chunked", [True, False])
def test_chunks_come_as_they_are_sent(chunked: bool) -> None:
    """An event is seen when it is sent, not when enough of them have come together."""
    seen = threading.Event()

    def answer(request: Request) -> None:
        send = request.chunk if chunked else request.wfile.write
        request.begin(**({"Transfer_Encoding": "chunked"} if chunked else {"Connection": "close"}))
        send(b"first")
        assert seen.wait(60)
        send(b"second")
        if chunked:
            send(b"")

    with serving(answer) as server, connect(server.url).get(PATH, {}, "x/y") as response:
        chunks = response.chunks(10)

        assert next(chunks) == b"first"
        seen.set()
        assert list(chunks) == [b"second"]


def silent(request: Request) -> None:
    """Send a header and one chunk, and then nothing, as a peer does that has died."""
    request.begin(Transfer_Encoding="chunked")
    request.chunk(b"abc")
    request.server.over.wait()


def chatty(request: Request) -> None:
    """Send for ever, as a watch does that its server forgot to end."""
    request.begin(Transfer_Encoding="chunked")
    while not request.server.over.wait(0.01):
        request.chunk(b"abc")


@pytest.mark.parametrize("answer", [silent, chatty])
def test_deadline(answer: Callable[[Request], None]) -> None:
    """A stream must have ended by its deadline, whether its peer is dead or only forgetful."""
    with (
        serving(answer) as server,
        connect(server.url).get(PATH, {}, "x/y") as response,
        pytest.raises(Unavailable, match="timed out"),
    ):
        list(response.chunks(0.1))


def test_silence() -> None:
    """A call may expect something in every read: one that brings nothing ends then, others go on."""
    call = Call()
    with serving(silent) as server, connect(server.url).get(PATH, {}, "x/y", call) as response:
        call.expect(0.1)
        chunks = response.chunks(60)

        assert next(chunks) == b"abc"
        with pytest.raises(Unavailable, match="timed out"):
            next(chunks)

    call = Call()
    with serving(chatty) as server, connect(server.url).get(PATH, {}, "x/y", call) as response:
        call.expect(5)
        chunks = response.chunks(60)
        next(chunks)
        call.expect(float("inf"))
        next(chunks)

        assert call._socket is not None
        assert 50 < (call._socket.gettimeout() or 0) < 60


def mute(request: Request) -> None:
    """Accept the request and never answer."""
    request.server.over.wait()


@pytest.mark.parametrize("answer", [silent, mute])
def test_cancel(answer: Callable[[Request], None]) -> None:
    """Another thread breaks off a read that blocks, even one that waits for the header."""
    call = Call()

    def cancel_when_asked(request: Request) -> None:
        threading.Thread(target=call.cancel).start()
        answer(request)

    with (
        serving(cancel_when_asked) as server,
        pytest.raises(Cancelled),
        connect(server.url).get(PATH, {}, "x/y", call) as response,
    ):
        list(response.chunks(60))


def test_cancelled_before() -> None:
    """A call that was cancelled sends its request in vain."""
    call = Call()
    call.cancel()

    with serving(mute) as server, pytest.raises(Cancelled):
        connect(server.url).get(PATH, {}, "x/y", call)


def test_cancel_afterwards() -> None:
    """A call that is cancelled when its answer was read leaves the connection alone, which others use by then."""
    with serving(lambda request: request.answer(b"abc")) as server:
        api, call = connect(server.url), Call()
        with api.get(PATH, {}, "x/y", call) as response:
            response.body()

        call.cancel()
        with api.get(PATH, {}, "x/y") as response:
            assert response.body() == b"abc"

    assert len({request.client_address for request in server.requests}) == 1


def test_left_early() -> None:
    """An answer that is not read to its end takes its connection with it."""
    with serving(silent) as server:
        api = connect(server.url)
        for _ in range(2):
            with api.get(PATH, {}, "x/y") as response:
                next(response.chunks(5))

    assert len({request.client_address for request in server.requests}) == 2


def test_answers_need_not_be_json() -> None:
    """A failure whose body is no Status, or none at all, is told by its status."""
    for body in (b"", b"[1]", b"\xff\xfe"):
        with serving(lambda request: request.answer(body, 500)) as server, pytest.raises(Unavailable, match="500"):  # noqa: B023
            connect(server.url).get(PATH, {}, "x/y")


def test_keepalive() -> None:
    """The kernel asks idle peers whether they are still there; urllib3's own option stays."""
    options = {(level, name): value for level, name, value in socket_options()}

    assert len(options) >= 5
