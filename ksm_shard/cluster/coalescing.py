"""Read the events of a watch together: waking up costs more than an event.

A thread that has slept in a read finds cold caches, and one read then takes the events of many chunks. So a reader that has read
all there is leaves later events in the socket until some seconds are over, MUCH has come, or somebody needs them (`resume`).

The kernel counts the bytes (SO_RCVLOWAT, socket(7)), and wakes the reader long before its buffer is full: the API server drops
clients that let it wait. It also wakes the reader when the connection ends or is shut down.
"""

import fcntl
import select
import socket
import termios
import threading
from typing import Final

from ksm_shard.cluster.tls import MemoryTlsSocket

# Seconds for which the membership leaves events in the socket: few come, and others wait for what it makes of them.
SHORT: Final = 0.1
# Seconds for which informers do, at most: 80 leases are renewed meanwhile in a cluster of 400 nodes. Scrapes do not wait for it.
LONG: Final = 2.0
# Bytes that end a pause: 50 pods of 5 kB. The kernel keeps up to twice as many for each busy watch.
MUCH: Final = 1 << 18
# Bytes that end one of which somebody needs the events.
AT_ONCE: Final = 1


class CoalescedReads:
    """The pauses of the reader of one target between its reads.

    `pause` and `leave` are for the reader's thread; any thread may call the others.
    """

    def __init__(self, seconds: float) -> None:
        """Take the length of a pause."""
        self._seconds = seconds
        self._changed = threading.Condition()
        self._paused: socket.socket | None = None
        self._fresh = True  # whether nothing of this watch was asked for: it begins with what came while there was none
        self._behind = False  # whether events that were in the socket when a pause ended have yet to be taken

    def pause(self, connection: socket.socket) -> None:
        """Wait before the next read, if all that has come was read; not before the first read of a watch."""
        if self._fresh or unread(connection):
            self._fresh = False
            return
        with self._changed:
            self._settle()
            _wake_at(connection, 2 * MUCH)  # makes the kernel's buffer as large, so that MUCH does not fill it
            _wake_at(connection, MUCH)
            self._paused = connection
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.poll(self._seconds * 1000)
        with self._changed:
            self._paused = None
            _wake_at(connection, AT_ONCE)
            self._behind = unread(connection)

    def leave(self) -> None:
        """Note that the watch has ended: nothing more of it will be read."""
        self._fresh = True
        with self._changed:
            self._settle()

    def resume(self) -> None:
        """End a pause in which something has come."""
        with self._changed:
            if self._paused is not None and unread(self._paused):
                self._behind = True
                _wake_at(self._paused, AT_ONCE)

    def wait(self, seconds: float) -> bool:
        """Wait until what a pause had left was taken, for so many seconds at most; return whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._behind, seconds)

    def _settle(self) -> None:
        self._behind = False
        self._changed.notify_all()


def unread(connection: socket.socket) -> bool:
    """Return whether a connection has brought bytes that were not read."""
    if isinstance(connection, MemoryTlsSocket) and connection.buffered:
        return True
    return any(fcntl.ioctl(connection, termios.FIONREAD, bytes(4)))


def _wake_at(connection: socket.socket, size: int) -> None:
    """Let the socket count as readable once it holds so many bytes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
