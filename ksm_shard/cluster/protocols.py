"""What a reflector needs of others: an API server, a sink for objects, an observer that counts, a way to stop it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ksm_shard.cluster.calls import Call
from ksm_shard.status.states import ReflectorState
from ksm_shard.wire.codec import Codec, Event, ListPage, Raw

# Generators, because they are closed when they are left early.
Pages = Generator[tuple[Codec, ListPage], None, None]
Events = Generator[tuple[Codec, Event], None, None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A watch: its events, the call that they come by, and when the server is to end it, by the reflector's clock."""

    events: Events
    call: Call
    ends: float


class Api(Protocol):
    """The API server as far as one target needs it: `Reader`, or a script in tests. Raises what `Reader` raises."""

    def pages(self, query: Mapping[str, str], call: Call) -> Pages:
        """Yield the pages of a list."""

    def events(self, query: Mapping[str, str], call: Call) -> Events:
        """Yield the events of a watch."""

    def lacks(self, call: Call) -> bool:
        """Tell whether the server says, beyond the 403 or 404 of a list, that it has no such resource."""

    def is_behind(self, version: str, call: Call) -> bool:
        """Tell whether the newest version of the server is older than this one."""


class Sink(Protocol):
    """Where the objects go. It decides which of them it wants. Called on the reflector's thread only."""

    def start_list(self) -> None:
        """A full list begins: what is not put until `end_list` is gone then."""

    def start_adding(self) -> None:
        """A list begins that only adds: nothing goes because of it."""

    def put(self, codec: Codec, item: Raw) -> None:
        """Take an object of a list, or one that was added."""

    def change(self, codec: Codec, item: Raw) -> None:
        """Take an object that was there before, as it is now."""

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take an object that is gone, as it was last."""

    def end_list(self, resource_version: str) -> None:
        """Commit a full list: it is what the server held at that version."""

    def end_adding(self, resource_version: str) -> None:
        """Commit a list that only adds. The watch then goes on from where it was, which is before that version."""

    def abort_list(self) -> None:
        """A list of either kind broke off: what was there before it began stays."""


class Observer(Protocol):
    """Counts what happens. A result is "ok", "garbled", "error" or the `result` of an error of `errors`."""

    def on_relist(self, reason: str) -> None:
        """A list begins: by start, gone, restored, garbled, unreadable, unsupported, absent, or as `relist_soon` was told."""

    def on_list(self, result: str) -> None:
        """A list ended."""

    def on_watch(self, result: str) -> None:
        """A watch was opened, or could not be."""

    def on_watch_end(self, result: str) -> None:
        """A watch that had been opened ended."""

    def on_event(self, kind: str) -> None:
        """A watch event came: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    def on_failed_item(self) -> None:
        """An object was passed over: its bytes were none, or the sink failed at it."""

    def on_bytes(self, size: int) -> None:
        """That many bytes of answers came."""

    def on_state(self, state: ReflectorState) -> None:
        """Take note that the reflector is in that state now."""


class Stop(Protocol):
    """What a reflector needs of threading.Event."""

    def is_set(self) -> bool:
        """Tell whether it is time to stop."""

    def set(self) -> None:
        """Make it time to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait that many seconds, or until it is time to stop."""
