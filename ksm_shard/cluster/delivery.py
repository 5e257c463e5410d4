"""Hand what was read to the sink, object by object. An odd one never costs more than itself: it is counted and passed over."""

import logging
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.errors import request_error
from ksm_shard.cluster.protocols import Observer, Sink
from ksm_shard.wire.codec import UNREADABLE, Codec, Event, Raw
from ksm_shard.wire.frames import WireError

log = logging.getLogger(__name__)

# An object that the sink fails at is one of many as a rule: one traceback a minute says it all.
COMPLAIN_EVERY: Final = 60.0

TYPES: Final = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})


class Delivery:
    """The way of objects of one path from the API server's answers to a sink.

    Attributes:
        passed_over: whether an object was passed over since somebody set this to False: some object may be stale.
    """

    def __init__(self, path: str, sink: Sink, observer: Observer, clock: Callable[[], float]) -> None:
        """Take where the objects are from, where they go, who counts failures, and a clock in seconds."""
        self._path = path
        self._sink = sink
        self._observer = observer
        self._clock = clock
        self._complained_at = float("-inf")
        self.passed_over = False

    def put(self, codec: Codec, item: Raw) -> None:
        """Hand over an object that is there."""
        self._hand(self._sink.put, codec, item)

    def apply(self, codec: Codec, event: Event) -> None:
        """Hand over what a watch event is about; a bookmark is about nothing, and what is unreadable is passed over.

        Raises:
            RequestError: it is of type ERROR.
            WireError: it is of no type that there is.
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
            self._pass_over(event.item)
        elif event.type not in TYPES:
            raise WireError(f"{self._path}: expected a watch event, got one of type {event.type!r:.40}")

    def _hand(self, take: Callable[[Codec, Raw], None], codec: Codec, item: Raw) -> None:
        try:
            take(codec, item)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  an odd object never costs more than itself
            self._pass_over(error)

    def _pass_over(self, error: Exception) -> None:
        self.passed_over = True
        self._observer.on_failed_item()
        if self._clock() - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = self._clock()
            log.error("%s: an object was passed over", self._path, exc_info=error)
