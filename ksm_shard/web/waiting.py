"""Connections that hold no thread: before a whole header, between requests, and after the last answer.

Whoever waits longest goes first when there are too many, of the kind that has most: a crowd that is idle does not push out
those who are about to ask, nor the other way round.
"""

import selectors
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import partial

from ksm_shard.web.connections import Connection


class Why(Enum):
    """The reason why a connection waits."""

    HEADER = auto()
    IDLE = auto()
    CLOSING = auto()


class Waiting:
    """Connections in a poller, by reason, each in the order of their deadlines."""

    def __init__(self, poller: selectors.BaseSelector, readable: Callable[[Connection], None]) -> None:
        """Call `readable` when something has come from one of them."""
        self._poller, self._readable = poller, readable
        self._of: dict[Why, dict[Connection, None]] = {why: {} for why in Why}

    def __contains__(self, connection: Connection) -> bool:
        return any(connection in some for some in self._of.values())

    def why(self, connection: Connection) -> Why | None:
        """Return the reason why a connection waits; None if it does not."""
        return next((why for why, some in self._of.items() if connection in some), None)

    def add(self, connection: Connection, why: Why, until: float) -> None:
        """Let a connection wait, for another reason than before perhaps."""
        if self.why(connection) is None:
            self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._call, connection))
        else:
            self._forget(connection)
        connection.timeout = until
        self._of[why][connection] = None

    def remove(self, connection: Connection) -> None:
        """Take out a connection."""
        self._forget(connection)
        self._poller.unregister(connection.sock)

    def overdue(self, now: float) -> list[Connection]:
        """Return those whose time is over. As all of one kind wait equally long, the first that is not ends the look."""
        found = []
        for some in self._of.values():
            for connection in some:
                if connection.timeout > now:
                    break
                found.append(connection)
        return found

    def longest(self) -> Connection | None:
        """Return the one to give up first."""
        for some in self._of[Why.CLOSING], max(self._of[Why.HEADER], self._of[Why.IDLE], key=len):
            for connection in some:
                return connection
        return None

    def hurry(self, limits: dict[Why, float]) -> None:
        """Bring deadlines forward to these, by reason."""
        for why, until in limits.items():
            for connection in self._of[why]:
                connection.timeout = min(connection.timeout, until)

    def __iter__(self) -> Iterator[Connection]:
        for some in self._of.values():
            yield from some

    def _forget(self, connection: Connection) -> None:
        for some in self._of.values():
            some.pop(connection, None)

    def _call(self, connection: Connection, sock: object) -> None:
        del sock
        if connection in self:  # or it was closed in this round of the loop, for another
            self._readable(connection)
