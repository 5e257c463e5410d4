"""Codecs: one for each content type of an answer (protobuf, JSON, a Table), all with the same methods.

Items stay raw until somebody owns them. `identity` reads just enough to decide whose. The codecs of JSON are in `json.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from google.protobuf.message import Message
from msgspec import Struct

from ksm_shard.wire.frames import WireError, decode, split_frames, unseal
from ksm_shard.wire.messages.meta_v1_pb2 import Status as StatusMessage
from ksm_shard.wire.messages.runtime_pb2 import Bookmark, Identity, RawList, WatchEvent

M = TypeVar("M", bound=Message)
Raw = Any  # bytes (protobuf) or msgspec.Raw (JSON): only the codec that made it may look inside

# Annotations in which tools keep a whole object as it was applied, a secret's data among it; OpenShift keeps a token itself.
WITHHELD: Final = frozenset(
    {
        "banzaicloud.com/last-applied",
        "kapp.k14s.io/original",
        "kopf.zalando.org/last-handled-configuration",
        "kubectl.kubernetes.io/last-applied-configuration",
        "objectset.rio.cattle.io/applied",
        "openshift.io/token-secret.value",
    }
)
# The annotation of the bookmark that ends the initial events of a WatchList (KEP-3157).
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
# The type of what came as an event, in a frame or a line of its own, and is none; its item is the WireError that says so.
UNREADABLE: Final = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: raw items, the list's resource version, and the token of the next page ("" on the last)."""

    items: list[Raw]
    resource_version: str
    next_page: str
    shard_selector: str = ""


# A dataclass is made in 0.5 us, a Struct in 0.05: there is one for each object, of other shards too.
class Event(Struct, frozen=True):
    """One watch event. `type` is ADDED, MODIFIED, DELETED, BOOKMARK, ERROR or UNREADABLE."""

    type: str
    item: Raw


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """A failure as the API server tells it (meta/v1 ApiStatus). `retry_after` is in seconds, 0 if it says nothing."""

    code: int
    reason: str
    message: str
    retry_after: int = 0
    causes: frozenset[str] = frozenset()


class Codec(Protocol):
    """Reads the answers of one content type. Every method raises WireError for bytes that are not what they claim."""

    def page(self, body: bytes) -> ListPage:
        """Read one page of a list."""

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """Read a watch stream that arrives in chunks of any size. Only a broken stream raises: a bad event is UNREADABLE."""

    def identity(self, item: Raw) -> tuple[str, str]:
        """Return the uid and the resource version of an item, each "" if absent."""

    def ends_initial_events(self, item: Raw) -> bool:
        """Tell whether a BOOKMARK is the one that ends the initial events of a WatchList."""

    def status(self, item: Raw) -> ApiStatus:
        """Read the item of an ERROR event, or the body of a failed request."""

    def parse(self, item: Raw, kind: type[M]) -> M:
        """Parse an item as a thin message."""

    def encoded(self, item: Raw) -> bytes | None:
        """Return the item in protobuf; None if it came as something else."""

    def keep(self, item: Raw) -> Raw:
        """Return an item to be kept: it has a length in bytes, and refers to no larger buffer."""


class ProtobufCodec:
    """`application/vnd.kubernetes.protobuf`, of whole objects or as PartialObjectMetadata: both have the same shape."""

    def page(self, body: bytes) -> ListPage:
        """Read a list in protobuf."""
        raw = decode(RawList, unseal(body)[1])
        meta = raw.metadata
        return ListPage(
            list(raw.items), _text(meta.resourceVersion), _text(getattr(meta, "continue")), meta.shardInfo.selector
        )

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """Read a watch in protobuf."""
        for payload in split_frames(chunks):
            try:
                event = decode(WatchEvent, payload)
                made = Event(event.type, unseal(event.object.raw)[1])
            except WireError as error:
                made = Event(UNREADABLE, error)
            yield made

    def identity(self, item: bytes) -> tuple[str, str]:
        """Read uid and version, and nothing else, of a protobuf object."""
        meta = decode(Identity, item).metadata
        return meta.uid, _text(meta.resourceVersion)

    def ends_initial_events(self, item: bytes) -> bool:
        """Tell whether a protobuf bookmark ends the initial events."""
        return decode(Bookmark, item).metadata.annotations.get(INITIAL_EVENTS_END) == "true"

    def status(self, item: bytes) -> ApiStatus:
        """Read a Status in protobuf."""
        if item[:4] == b"k8s\0":
            item = unseal(item)[1]
        status = decode(StatusMessage, item)
        causes = frozenset(cause.reason for cause in status.details.causes)
        return ApiStatus(status.code, status.reason, status.message, status.details.retryAfterSeconds, causes)

    def parse(self, item: bytes, kind: type[M]) -> M:
        """Parse a protobuf object."""
        return decode(kind, item)

    def encoded(self, item: bytes) -> bytes:
        """Return the item as it came."""
        return item

    def keep(self, item: bytes) -> bytes:
        """Return the item, which is a copy already."""
        return bytes(item)


def _text(value: Any) -> str:
    """Return a text; "" for one that is no UTF-8, of which protobuf gives the bytes."""
    return value if isinstance(value, str) else ""
