"""When a reflector waits for company of an event, by a clock that the events move on."""

from collections.abc import Iterator

from ksm_shard.cluster.coalescing import ALONE, GATHER, coalesced
from ksm_shard.wire.codec import Codec, Event
from ksm_shard.wire.json import JsonCodec

CODEC = JsonCodec()


class Watch:
    """A stream whose events come after so many seconds each. Also its clock, and the stop that is waited on.

    Attributes:
        log: names of the events as they are read, and what was waited.
    """

    def __init__(self, *pauses: float) -> None:
        self.now = 0.0
        self.log: list[str | float] = []
        self._pauses = pauses

    def events(self) -> Iterator[tuple[Codec, Event]]:
        for number, seconds in enumerate(self._pauses):
            self.now += seconds
            yield CODEC, Event(str(number), {})

    def is_set(self) -> bool:
        return False

    def set(self) -> None:
        """Never asked for."""

    def wait(self, timeout: float) -> bool:
        self.log.append(timeout)
        self.now += timeout
        return False

    def read(self) -> list[str | float]:
        for _, event in coalesced(self.events(), self, lambda: self.now):
            self.log.append(event.type)
        return self.log


def test_an_event_that_comes_alone_is_taken_at_once() -> None:
    """What is waited for is the next ones, which are there by then, or alone again."""
    assert Watch(5.0, 0.0, 0.0, 7.0).read() == ["0", GATHER, "1", "2", "3", GATHER]


def test_events_in_a_row_are_not_waited_for() -> None:
    """A list as a stream, and a storm, are read as fast as they come."""
    assert Watch(0.0, ALONE / 2, 0.0, ALONE / 2).read() == ["0", "1", "2", "3"]
