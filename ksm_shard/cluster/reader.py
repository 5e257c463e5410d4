"""Read one resource as pages and events, in the best format served.

The table says which Accept header is sent; the Content-Type decides the codec.

reading     items are                Accept
--------    ---------------------    -----------------------------------------------
FULL        whole objects            protobuf, else JSON (custom resources)
METADATA    PartialObjectMetadata    protobuf, else JSON; also of custom resources, which are then protobuf
TABLE       rows with metadata       JSON as a Table, else nothing: the fallback would send the data of secrets

The Content-Type of a Table is that of any JSON, so the first bytes are checked as well: behind a proxy that takes the
Accept header away whole secrets come, of which no more is read.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ANSWER_TIMEOUT, ApiServer, Response
from ksm_shard.cluster.discovery import lacks
from ksm_shard.cluster.errors import RequestError, Unavailable, Unsupported
from ksm_shard.cluster.protocols import Events, Pages
from ksm_shard.cluster.versions import older
from ksm_shard.wire.codec import Codec, JsonCodec, ProtobufCodec, TableCodec
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.reading import Reading

PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
JSON: Final = "application/json"
# Seconds that a watch may run past the end the server has promised: kube-rs's figure.
GRACE: Final = 5.0
# Answers in a row of a type not asked for, after which the server is taken to support no other. Fewer are a proxy's: its
# error page during a second of trouble kept a resource unread for up to a minute, and without WatchLists for longer.
CONVINCED: Final = 3
# The beginnings of a Table, and of a watch of Tables; either may be indented. TELLING bytes are enough to match.
TABLE: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*"Table"')
TABLES: Final = re.compile(rb'\s*\{\s*"type"\s*:\s*"[A-Z]+"\s*,\s*"object"\s*:\s*\{\s*"kind"\s*:\s*"(Table|Status)"')
TELLING: Final = 64


def _nothing() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Target:
    """A resource to list and watch, in all namespaces or one.

    Attributes:
        path: such as `/api/v1/pods` or `/apis/apps/v1/namespaces/web/deployments`.
        reading: the part of each object to read.
        columns: for TABLE, the field to fill from each cell by its position, such as `{"type": 1}`.
        selectors: called for each list and each watch, for `fieldSelector`, `labelSelector`, `shardSelector`.
        page_size: objects a page; the 500 of client-go.
        resource_version: of lists: "" for the newest, "0" for any version in the API server's cache.
        object_limit: number of objects to list at most; 0 for all.
    """

    path: str
    reading: Reading = Reading.FULL
    columns: Mapping[str, int] = field(default_factory=dict)
    selectors: Callable[[], Mapping[str, str]] = _nothing
    page_size: int = 500
    resource_version: str = ""
    object_limit: int = 0


class Reader:
    """Reads one target from an API server; the `Api` of a reflector."""

    def __init__(self, server: ApiServer, target: Target) -> None:
        """Take the server and the target."""
        self._server = server
        self._target = target
        self._odd = 0  # answers in a row of a type not asked for

    def pages(self, query: Mapping[str, str], call: Call) -> Pages:
        """Yield the pages of a list, each with the codec for its items.

        An empty page does not end the list.

        Raises:
            RequestError: as ApiServer.get; Gone in the middle means that the list has to begin again.
            WireError: an answer that does not parse.
        """
        accept, query = self._accept("List"), {**query, **self._as_table()}
        while True:
            with self._server.get(self._target.path, query, accept, call) as response:
                codec, opening = self._begun(response, TABLE)
                page = codec.page(opening + response.body())
            yield codec, page
            if not page.next_page:
                return
            # The token carries the resource version; the server refuses a request with both.
            query = {key: value for key, value in query.items() if not key.startswith("resourceVersion")}
            query["continue"] = page.next_page

    def events(self, query: Mapping[str, str], call: Call) -> Events:
        """Yield the events of a watch until the server ends it.

        `query` must hold `timeoutSeconds`.

        Raises:
            RequestError: as ApiServer.get; events of type ERROR are yielded like others.
            WireError: a frame that does not parse, or a stream that ends inside one.
        """
        accept, query = self._accept(""), {**query, **self._as_table()}
        with self._server.get(self._target.path, query, accept, call) as response:
            codec, opening = self._begun(response, TABLES)
            chunks = response.chunks(int(query["timeoutSeconds"]) + GRACE)
            for event in codec.events(chain([opening], chunks) if opening else chunks):
                yield codec, event

    def lacks(self, call: Call) -> bool:
        """Return whether discovery says that the target's resource is absent; never raises."""
        return lacks(self._server, self._target.path, call)

    def is_behind(self, version: str, call: Call) -> bool:
        """Return whether the server is behind `version`; False in doubt.

        Raises:
            RequestError: the server does not answer at the moment, or forbids the list.
        """
        try:
            # A page of one object without a selector costs the same for any number of objects.
            with closing(self.pages({"limit": "1"}, call)) as pages:
                _, page = next(pages)
        except (Unsupported, WireError):
            return False
        return older(page.resource_version, version)

    def _accept(self, suffix: str) -> str:
        if self._target.reading is Reading.TABLE:
            return f"{JSON};as=Table;g=meta.k8s.io;v=v1"
        if self._target.reading is Reading.METADATA:
            shape = f"as=PartialObjectMetadata{suffix};g=meta.k8s.io;v=v1"
            return f"{PROTOBUF};{shape},{JSON};{shape},{JSON}"
        return f"{PROTOBUF},{JSON}"

    def _as_table(self) -> Mapping[str, str]:
        return {"includeObject": "Metadata"} if self._target.reading is Reading.TABLE else {}

    def _begun(self, response: Response, table: re.Pattern[bytes]) -> tuple[Codec, bytes]:
        """Return the codec of an answer, and the bytes read to check its kind."""
        codec, opening = self._codec_of(response.content_type), b""
        if codec is None:
            raise self._refusal(f"expected {PROTOBUF} or {JSON}, got content type {response.content_type!r:.80}")
        if isinstance(codec, TableCodec):
            opening = response.opening(TELLING, ANSWER_TIMEOUT)
            # An empty watch is not an answer of another kind.
            if opening and not table.match(opening):
                raise self._refusal("expected a Table, got JSON of another kind, of which no more is read")
        self._odd = 0
        return codec, opening

    def _refusal(self, message: str) -> RequestError:
        self._odd += 1
        return (Unsupported if self._odd >= CONVINCED else Unavailable)(self._target.path, message)

    def _codec_of(self, content_type: str) -> Codec | None:
        kind = content_type.partition(";")[0].strip()
        if kind == PROTOBUF and self._target.reading is not Reading.TABLE:
            return ProtobufCodec()
        if kind == JSON:
            return TableCodec(self._target.columns) if self._target.reading is Reading.TABLE else JsonCodec()
        return None
