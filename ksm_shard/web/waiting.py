"""Waiting connections, which hold no thread.

Connections wait before complete headers, between requests, and after the last answer. When there are too many connections, the one
that has waited longest is closed, from the larger group: a crowd of idle connections does not displace those that are about to send
a request, nor the other way round.
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
    """The waiting connections, registered with a poller.

    Kept by reason, and for each reason in the order of deadlines.
    """

    def __init__(self, poller: selectors.BaseSelector, readable: Callable[[Connection], None]) -> None:
        """Take the poller, and a function to call when bytes have arrived on a connection."""
        self._poller, self._readable = poller, readable
        self._of: dict[Why, dict[Connection, None]] = {why: {} for why in Why}

    def __contains__(self, connection: Connection) -> bool:
        return any(connection in some for some in self._of.values())

    def why(self, connection: Connection) -> Why | None:
        """Return the reason why a connection waits, or None if it does not wait."""
        return next((why for why, some in self._of.items() if connection in some), None)

    def add(self, connection: Connection, why: Why, until: float) -> None:
        """Let a connection wait until a deadline; replaces an earlier reason."""
        if self.why(connection) is None:
            self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._call, connection))
        else:
            self._forget(connection)
        connection.timeout = until
        self._of[why][connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a connection."""
        self._forget(connection)
        self._poller.unregister(connection.sock)

    def overdue(self, now: float) -> list[Connection]:
        """Return the connections past their deadline.

        All connections of one reason wait equally long, so the first that is not overdue ends the search.
        """
        found = []
        for some in self._of.values():
            for connection in some:
                if connection.timeout > now:
                    break
                found.append(connection)
        return found

    def longest(self) -> Connection | None:
        """Return the connection to close first."""
        for some in self._of[Why.CLOSING], max(self._of[Why.HEADER], self._of[Why.IDLE], key=len):
            for connection in some:
                return connection
        return None

    def hurry(self, limits: dict[Why, float]) -> None:
        """Bring deadlines forward, by reason."""
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
        if connection in self:  # the connection may have been closed earlier in this round of the loop
            self._readable(connection)
