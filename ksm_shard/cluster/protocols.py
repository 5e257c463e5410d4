"""Interfaces of a reflector's partners: API server, sink, observer, stop."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ksm_shard.cluster.calls import Call
from ksm_shard.status.states import ReflectorState
from ksm_shard.wire.codec import Codec, Event, ListPage, Raw

# Generators, because a caller that leaves early closes them.
Pages = Generator[tuple[Codec, ListPage], None, None]
Events = Generator[tuple[Codec, Event], None, None]


@dataclass(frozen=True, slots=True)
class Opened:
    """An open watch.

    Attributes:
        events: the events to come.
        call: the request that brings them.
        ends: when the server is to end the watch, by the reflector's clock.
    """

    events: Events
    call: Call
    ends: float


class Api(Protocol):
    """The API server as seen by one target: `Reader`, or a script in tests.

    Raises as Reader does.
    """

    def pages(self, query: Mapping[str, str], call: Call) -> Pages:
        """Yield the pages of a list."""

    def events(self, query: Mapping[str, str], call: Call) -> Events:
        """Yield the events of a watch."""

    def lacks(self, call: Call) -> bool:
        """Return whether the server says that the resource is absent.

        A 403 or 404 of the list is not enough.
        """

    def is_behind(self, version: str, call: Call) -> bool:
        """Return whether the newest version of the server is older than `version`."""


class Sink(Protocol):
    """Receives the objects and decides which to keep.

    Called on the reflector's thread only.
    """

    def start_list(self) -> None:
        """Begin a full list: objects not put before `end_list` are dropped then."""

    def start_adding(self) -> None:
        """Begin a list that only adds objects and drops none."""

    def put(self, codec: Codec, item: Raw) -> None:
        """Take an object of a list, or of an ADDED event."""

    def change(self, codec: Codec, item: Raw) -> None:
        """Take the new state of an object, of a MODIFIED event."""

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take the last state of a deleted object."""

    def end_list(self, resource_version: str) -> None:
        """Commit a full list: the state of the server at `resource_version`."""

    def end_adding(self, resource_version: str) -> None:
        """Commit a list that only adds.

        The watch resumes from its former version, which is before `resource_version`.
        """

    def abort_list(self) -> None:
        """Undo the start of a list that failed: all former objects stay."""


class Observer(Protocol):
    """Counts events of a reflector.

    A result is "ok", "garbled", "error" or the `result` of an error of `errors`.
    """

    def on_relist(self, reason: str) -> None:
        """Count the begin of a list.

        The reason is start, gone, restored, garbled, unreadable, unsupported, absent, or the argument of `relist_soon`.
        """

    def on_list(self, result: str) -> None:
        """Count the end of a list."""

    def on_watch(self, result: str) -> None:
        """Count a watch that was opened, or could not be."""

    def on_watch_end(self, result: str) -> None:
        """Count the end of a watch that had been opened."""

    def on_event(self, kind: str) -> None:
        """Count a watch event by its type: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    def on_failed_item(self) -> None:
        """Count a skipped object: unreadable, or failed in the sink."""

    def on_bytes(self, size: int) -> None:
        """Count `size` bytes of an answer."""

    def on_state(self, state: ReflectorState) -> None:
        """Note the state that the reflector has entered."""


class Stop(Protocol):
    """The methods of threading.Event that a reflector needs."""

    def is_set(self) -> bool:
        """Return whether to stop."""

    def set(self) -> None:
        """Ask to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait for `timeout` seconds, or until asked to stop."""
