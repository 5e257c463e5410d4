"""Hand objects to the sink one by one; count and skip failures."""

import logging
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.errors import request_error
from ksm_shard.cluster.protocols import Observer, Sink
from ksm_shard.wire.codec import UNREADABLE, Codec, Event, Raw
from ksm_shard.wire.frames import WireError

log = logging.getLogger(__name__)

# Seconds between tracebacks of skipped objects: a fault usually hits many objects, and one traceback a minute is enough.
COMPLAIN_EVERY: Final = 60.0

TYPES: Final = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})


class Delivery:
    """Delivers the objects of one path to a sink.

    Attributes:
        passed_over: whether an object was skipped since a caller set this to False; some object in the sink may be stale.
    """

    def __init__(self, path: str, sink: Sink, observer: Observer, clock: Callable[[], float]) -> None:
        """Take the path, the sink, the observer and a clock in seconds."""
        self._path = path
        self._sink = sink
        self._observer = observer
        self._clock = clock
        self._complained_at = float("-inf")
        self.passed_over = False

    def put(self, codec: Codec, item: Raw) -> None:
        """Hand the sink an object of a list."""
        self._hand(self._sink.put, codec, item)

    def apply(self, codec: Codec, event: Event) -> None:
        """Hand the object of a watch event to the sink.

        Bookmarks are ignored, and unreadable objects are counted and skipped.

        Raises:
            RequestError: the event is of type ERROR.
            WireError: the event is of an unknown type.
        """
        if event.type == "ADDED":
            self._hand(self._sink.put, codec, event.item)
        elif event.type == "MODIFIED":
            self._hand(self._sink.change, codec, event.item)
        elif event.type == "DELETED":
            self._hand(self._sink.drop, codec, event.item)
        elif event.type == "ERROR":
            status = codec.status(event.item)
            message = status.message or status.reason or "an ERROR event"
            raise request_error(self._path, status.code, message, status.retry_after, status.causes)
        elif event.type == UNREADABLE:
            self.pass_over(event.item)
        elif event.type not in TYPES:
            raise WireError(f"{self._path}: expected a watch event, got one of type {event.type!r:.40}")

    def _hand(self, take: Callable[[Codec, Raw], None], codec: Codec, item: Raw) -> None:
        try:
            take(codec, item)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a bad object costs nothing but itself
            self.pass_over(error)

    def pass_over(self, error: Exception) -> None:
        """Count an object that was skipped; any thread may call."""
        self.passed_over = True
        self._observer.on_failed_item()
        if self._clock() - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = self._clock()
            log.error("%s: an object was passed over", self._path, exc_info=error)
