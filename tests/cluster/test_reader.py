"""What is asked for, page by page and as a watch, what reads the answer, and that garbage is never more than an error."""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import Forbidden, Gone, Restored, Unavailable, Unsupported
from ksm_shard.cluster.reader import TELLING, Reader, Target
from ksm_shard.wire.codec import UNREADABLE, WITHHELD, Codec, ProtobufCodec
from ksm_shard.wire.frames import WireError, frame, seal
from ksm_shard.wire.json import JsonCodec, TableCodec
from ksm_shard.wire.messages.core_v1_pb2 import Secret
from ksm_shard.wire.messages.meta_v1_pb2 import Status, StatusCause, StatusDetails
from ksm_shard.wire.reading import Reading
from tests.cluster.server import Request, Server, serving
from tests.wire.dicts import item_of

PATH = "/api/v1/secrets"
LISTED = (
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
WATCHED = LISTED.replace("MetadataList", "Metadata")
META = {"uid": "u", "resourceVersion": "3"}
PARTIAL = {"kind": "PartialObjectMetadata"}
ROW = {"cells": ["name", "Opaque"], "object": {**PARTIAL, "metadata": META}}
ANSWERS = {
    Reading.FULL: (b"{}", b""),
    Reading.JSON: (b"{}", b""),
    Reading.METADATA: (b"{}", b""),
    Reading.TABLE: (b'{"kind":"Table"}', b""),
}
CANARY = "hunter2-and-some"


def reader(server: Server, reading: Reading = Reading.FULL) -> Reader:
    """Return a reader of that server."""
    return Reader(connect(server.url), Target(PATH, reading, {"type": 1} if reading is Reading.TABLE else {}))


def test_pages() -> None:
    """Every page repeats the selectors, and follows the token instead of a resource version; an empty one is no end."""
    answers = iter([("x", [{"a": 1}]), ("y", None), ("", [{"b": 2}])])

    def answer(request: Request) -> None:
        token, items = next(answers)
        request.answer({"metadata": {"resourceVersion": "7", "continue": token}, "items": items})

    query = {"limit": "500", "fieldSelector": "a=b", "resourceVersion": "0"}
    with serving(answer) as server:
        pages = list(reader(server).pages(query, Call()))

    assert [list(map(item_of, one.items)) for _, one in pages] == [[{"a": 1}], [], [{"b": 2}]]
    rest = {"limit": "500", "fieldSelector": "a=b"}
    assert [one.query for one in server.requests] == [query, {**rest, "continue": "x"}, {**rest, "continue": "y"}]
    assert len({one.client_address for one in server.requests}) == 1


def test_token_expires() -> None:
    """A token that has expired in the middle of a list is a 410, and the list is over."""
    answers = iter([({"metadata": {"continue": "x"}}, 200), ({"message": "expired"}, 410)])

    with serving(lambda request: request.answer(*next(answers))) as server, pytest.raises(Gone, match="expired"):
        list(reader(server).pages({}, Call()))


@pytest.mark.parametrize(
    ("reading", "listed", "watched"),
    [
        (Reading.FULL, "application/vnd.kubernetes.protobuf,application/json", None),
        (
            Reading.METADATA,
            LISTED,
            WATCHED,
        ),
        (Reading.TABLE, "application/json;as=Table;g=meta.k8s.io;v=v1", None),
        (Reading.JSON, "application/json", None),
    ],
)
def test_accept(reading: Reading, listed: str, watched: str | None) -> None:
    """Each reading asks for its form; a table for nothing else, as the alternative would be a secret's data."""
    with serving(lambda request: request.answer(ANSWERS[reading]["timeoutSeconds" in request.query])) as server:
        list(reader(server, reading).pages({}, Call()))
        list(reader(server, reading).events({"timeoutSeconds": "300"}, Call()))

    assert [one.headers["Accept"] for one in server.requests] == [listed, watched or listed]
    assert all(("includeObject" in one.query) is (reading is Reading.TABLE) for one in server.requests)


@pytest.mark.parametrize(
    ("reading", "kind", "codec"),
    [
        (Reading.FULL, "application/vnd.kubernetes.protobuf;stream=watch", ProtobufCodec),
        (Reading.FULL, "application/json", JsonCodec),
        (Reading.METADATA, "application/vnd.kubernetes.protobuf", ProtobufCodec),
        (Reading.METADATA, "application/json; charset=utf-8", JsonCodec),
        (Reading.TABLE, "application/json", TableCodec),
        (Reading.JSON, "application/json", JsonCodec),
        (Reading.TABLE, "application/vnd.kubernetes.protobuf", None),
        (Reading.FULL, "text/html", None),
        (Reading.FULL, "", None),
    ],
)
def test_codec(reading: Reading, kind: str, codec: type[Codec] | None) -> None:
    """What the server answered decides who reads it, and an answer of another type is refused by name."""
    body = b"k8s\0" if "protobuf" in kind else b'{ "kind": "Table"\n}'
    with serving(lambda request: request.answer(body, kind=kind)) as server:
        if codec is None:
            with pytest.raises(Unavailable, match=f"{PATH}: expected .*, got content type"):
                list(reader(server, reading).pages({}, Call()))
        else:
            assert [type(one) for one, _ in reader(server, reading).pages({}, Call())] == [codec]


def test_whose_type_is_odd() -> None:
    """A page of HTML is a proxy's, and the server is asked again soon; the third in a row is what the server has to say."""
    kinds = iter(["text/html"] * 2 + ["application/json"] + ["text/html"] * 3)
    errors = []
    with serving(lambda request: request.answer(b"{}", kind=next(kinds))) as server:
        one = reader(server, Reading.FULL)
        for _ in range(6):
            try:
                list(one.pages({}, Call()))
            except (Unavailable, Unsupported) as error:
                errors.append(type(error))

    assert errors == [Unavailable] * 4 + [Unsupported]


def test_table() -> None:
    """A secret is its metadata and its type, in a list as in a watch, whose bookmarks are rows without a name."""
    end = {"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}}

    def answer(request: Request) -> None:
        if "watch" in request.query:
            request.begin(Transfer_Encoding="chunked")
            for kind, row in (("ADDED", ROW), ("BOOKMARK", {"cells": ["", ""], "object": {**PARTIAL, **end}})):
                request.chunk(b'{"type":"%s","object":' % kind.encode())
                request.chunk(repr({"kind": "Table", "rows": [row]}).replace("'", '"').encode() + b"}\n")
            request.chunk(b"")
        else:
            request.answer({"kind": "Table", "metadata": {"resourceVersion": "9"}, "rows": [ROW]})

    secret = {"metadata": META, "type": "Opaque"}
    with serving(answer) as server:
        one = reader(server, Reading.TABLE)
        assert [list(map(item_of, listed.items)) for _, listed in one.pages({}, Call())] == [[secret]]
        (codec, added), (_, last) = one.events({"watch": "true", "timeoutSeconds": "300"}, Call())

    assert item_of(added.item) == secret
    assert codec.ends_initial_events(last.item)
    assert codec.identity(last.item)[1] == "9"


@pytest.mark.parametrize(
    ("kind", "listed", "watched"),
    [
        (
            "application/json",
            b'{"kind":"SecretList","apiVersion":"v1","metadata":',
            b'{"type":"ADDED","object":{"kind":"Secret",',
        ),
        ("application/json", b'{\n "items": [{"kind": "Table", "data":', b'{"object": {"kind": "Table", "data":'),
        ("application/vnd.kubernetes.protobuf", b"k8s\0\n\x10\n\x02v1\x12\nSecretList", b"\0\0\1\0\n\5ADDED"),
        ("application/octet-stream", b"k8s", b"k8s"),
    ],
)
def test_what_is_no_table_is_not_read(kind: str, listed: bytes, watched: bytes) -> None:
    """Whole secrets come where a proxy takes the Accept header away: some bytes tell, and the rest is not awaited, nor named."""

    def answer(request: Request) -> None:
        request.begin(kind=kind, Transfer_Encoding="chunked")
        request.chunk((watched if "watch" in request.query else listed) + CANARY.encode())
        request.chunk(CANARY.encode() * 20)
        server.over.wait(30)  # there is more to come

    sizes: list[int] = []
    with serving(answer) as server:
        one = reader(server, Reading.TABLE)
        for read in (
            lambda: list(one.pages({}, Call(sizes.append))),
            lambda: list(one.events({"watch": "true", "timeoutSeconds": "300"}, Call(sizes.append))),
        ):
            with pytest.raises(Unavailable, match="expected ") as caught:
                read()
            assert CANARY not in str(caught.value)

    assert sum(sizes) < 2 * 2 * TELLING


@pytest.mark.parametrize("key", sorted(WITHHELD))
def test_what_a_tool_copied_of_a_secret_is_dropped(key: str) -> None:
    """Of a secret's metadata, neither the annotation with its data nor the names of their keys leave the codec."""
    meta = {
        **META,
        "annotations": {key: CANARY, "team": "blue"},
        "managedFields": [{"fieldsV1": {"f:data": {CANARY: {}}}}],
    }
    table = {"kind": "Table", "rows": [{**ROW, "object": {**PARTIAL, "metadata": meta}}]}
    codec = TableCodec({"type": 1})

    (listed,) = codec.page(json.dumps(table).encode()).items
    ((event),) = codec.events([json.dumps({"type": "MODIFIED", "object": table}).encode() + b"\n"])

    shown = {"metadata": {**META, "annotations": {"team": "blue"}}, "type": "Opaque"}
    assert [shown, shown] == [item_of(listed), item_of(event.item)]


def test_nothing_holds_what_was_dropped() -> None:
    """While a watch waits for the next event, which may take minutes, nothing refers to what came with the last one."""
    key = min(WITHHELD)
    held: list[object] = []

    def chunks() -> Iterator[bytes]:
        row = json.dumps({**ROW, "object": {**PARTIAL, "metadata": {**META, "annotations": {key: CANARY, "a": "b"}}}})
        piece = f'{{"type":"ADDED","object":{{"kind":"Table","rows":[{row}]}}}}\n'.encode()
        yield piece
        held.append(sys.getrefcount(piece) - 2)  # by this name and by the question
        for one in gc.get_objects():
            if type(one) is dict and isinstance(found := one.get("annotations"), dict) and key in found:
                held.append(one)
            if type(one) is list and any(type(each) in {bytes, bytearray} and CANARY.encode() in each for each in one):
                held.append(one)

    ((event),) = TableCodec({}).events(chunks())

    assert item_of(event.item) == {"metadata": {**META, "annotations": {"a": "b"}}}
    assert held == [0]


@pytest.mark.parametrize(
    "rows",
    [
        CANARY,
        [CANARY],
        [{"cells": CANARY, "object": {"kind": "Secret", "metadata": META, "data": {"a": CANARY}}}],
        [{"cells": [CANARY], "object": CANARY}],
        [{"cells": ["n", "t"], "object": {**PARTIAL, "metadata": CANARY}}],
        [{"cells": ["n", "t"], "object": {**PARTIAL, "metadata": {**META, "annotations": CANARY}}}],
        [{"cells": ["n", "t"], "object": {**PARTIAL, "metadata": {**META, "generation": CANARY}}}],
        [{"cells": ["n", [CANARY]], "object": {**PARTIAL, "metadata": META}}],
    ],
)
def test_no_error_quotes_what_may_be_a_secret(rows: Any) -> None:
    """A table that is none, rows with whole secrets, odd values: the error says where, and not what was there."""
    codec = TableCodec({"type": 1})
    body = json.dumps({"kind": "Table", "rows": rows}).encode()
    with pytest.raises(WireError, match=r"^expected|does not fit$") as caught:
        [codec.parse(item, Secret) for item in codec.page(body).items]

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("codec", [ProtobufCodec(), JsonCodec(), TableCodec({})])
@pytest.mark.parametrize(
    "form", ['{"items":["%s"', '"%s"', '{"kind":"Table","items":"%s","rows":"%s","object":"%s"}', "k8s%s"]
)
def test_no_error_quotes_an_answer(codec: Codec, form: str) -> None:
    """Garbage is described by its size and its type."""
    body = form.replace("%s", CANARY).encode()
    with pytest.raises(WireError) as caught:
        codec.page(body)
    errors = [caught.value]
    try:
        errors += [event.item for event in codec.events([body + b"\n"])]
    except WireError as error:
        errors.append(error)

    assert len(errors) == 2
    assert CANARY not in "".join(map(str, errors))


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"metadata": {"resourceVersion": "7"}, "items": []}, 200, False),
        ({"metadata": {"resourceVersion": "6"}, "items": [{}]}, 200, True),
        ({"metadata": {"resourceVersion": "opaque"}}, 200, False),
        (b"garbage", 200, False),
        ({"message": "no such parameter"}, 400, False),
        ({"message": "forbidden"}, 403, Forbidden),
        ({"message": "starting"}, 503, Unavailable),
    ],
)
def test_is_behind(answer: Any, status: int, expected: Any) -> None:
    """The newest version is asked for, of one object and no selector; who does not know it is not behind."""
    with serving(lambda request: request.answer(answer, status)) as server:
        if isinstance(expected, bool):
            assert expected is reader(server).is_behind("7", Call())
        else:
            with pytest.raises(expected):
                reader(server).is_behind("7", Call())

    assert [one.query for one in server.requests] == [{"limit": "1"}]


TOO_LARGE = {"reason": "Timeout", "code": 504, "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}
STATUS = Status(code=504, details=StatusDetails(causes=[StatusCause(reason="ResourceVersionTooLarge")]))


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (TOO_LARGE, "application/json", Restored),
        (seal("v1", "Status", STATUS.SerializeToString()), "application/vnd.kubernetes.protobuf", Restored),
        ({"code": 504, "details": {"causes": [{"reason": "Other"}, None]}}, "application/json", Unavailable),
        ({"code": 504, "details": {"causes": "?"}}, "application/json", Unavailable),
        ({"code": 504, "details": [1]}, "application/json", Unavailable),
        ({"code": 504}, "application/json", Unavailable),
    ],
)
def test_version_too_large(body: Any, kind: str, expected: type[Exception]) -> None:
    """A version that the server has yet to reach is told from other time-outs by the cause in its Status."""
    with serving(lambda request: request.answer(body, 504, kind=kind)) as server, pytest.raises(expected) as raised:
        list(reader(server).pages({}, Call()))

    assert type(raised.value) is expected


def test_patience_changes_in_the_middle() -> None:
    """How long a watch may be silent can be said while it is read: a read after that fails once so much time has passed."""

    def answer(request: Request) -> None:
        request.begin(Transfer_Encoding="chunked")
        request.chunk(b'{"type":"ADDED","object":{}}\n')
        request.server.over.wait()

    call = Call()
    with serving(answer) as server:
        events = reader(server).events({"watch": "true", "timeoutSeconds": "300"}, call)
        call.expect(180)
        assert next(events)[1].type == "ADDED"
        call.expect(0.05)
        with pytest.raises(Unavailable, match="timed out"):
            next(events)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "object", "metadata", "rows", "cells", "items", "annotations", "resourceVersion"]),
            inner,
        )
    ),
    max_leaves=10,
)
json_lines: Callable[[Any], bytes] = lambda value: repr(value).replace("'", '"').encode() + b"\n"  # noqa: E731
events = st.sampled_from(["ADDED", "DELETED", "BOOKMARK", "ERROR"]).flatmap(
    lambda kind: anything.map(lambda value: json_lines({"type": kind, "object": value}))
)


@given(
    codec=st.sampled_from([ProtobufCodec(), JsonCodec(), TableCodec({"type": 1})]),
    chunks=st.lists(
        st.binary(max_size=40)
        | st.binary(max_size=40).map(frame)
        | st.binary(max_size=40).map(lambda data: b"k8s\0" + data)
        | anything.map(json_lines)
        | events,
        max_size=4,
    ),
)
def test_garbage(codec: Codec, chunks: list[bytes]) -> None:
    """Whatever bytes come, as a page or as a watch, they are read or they are a WireError that the reflector counts."""
    with suppress(WireError):
        for item in codec.page(b"".join(chunks)).items:
            codec.identity(item)
    with suppress(WireError):
        for event in codec.events(chunks):
            if event.type == UNREADABLE:
                assert isinstance(event.item, WireError)
                continue
            codec.status(event.item) if event.type == "ERROR" else codec.identity(event.item)
            codec.ends_initial_events(event.item)
