"""Requests in flight: how another thread breaks one off, and how a dead peer is noticed.

urllib3 gives its response, and thereby the means to shut it down, only when the header has come. An API server in
trouble takes a minute to that, and stopping must not.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from ksm_shard.cluster.chunked import ChunkedResponse

# A dead peer never closes. The kernel asks an idle one after 30 s and gives it up a minute later, as long as it is the
# peer itself; a load balancer in between answers for it, and then only the deadline of the watch helps.
KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
# Seconds by which a deadline may be missed: watches get 5 s more than their server has promised.
PATIENT: Final = 1.0


class Call:
    """One request in flight: another thread may cancel it, and whoever made it hears of each piece that is read.

    Attributes:
        within: seconds within which each read has to bring something.
    """

    def __init__(
        self, on_bytes: Callable[[int], None] | None = None, on_answer: Callable[[], None] | None = None
    ) -> None:
        """Take what is to be called with the size of each piece, and once the header of a successful answer has come."""
        self._on_bytes = on_bytes
        self._on_answer = on_answer
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._patient_since = float("-inf")
        self.within = float("inf")
        self.cancelled = self.answered = False
        self.answer: ChunkedResponse | None = None  # as http.client has it, below urllib3

    def cancel(self) -> None:
        """Break off the read that blocks now, and refuse any that comes. Any thread may call it, at any time."""
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                # Below TLS, whose own shutdown would swap the layers under the feet of the reading thread.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def attach(self, connection: socket.socket | None) -> None:
        """Use this socket from now on, or none: it goes back to the pool and must not be shut down any more."""
        with self._lock:
            self._socket = connection
        if connection is not None:
            self.check()

    def check(self) -> None:
        """Raise OSError if the call was cancelled: a socket that is shut down may look like a clean end."""
        if self.cancelled:
            raise OSError("cancelled")

    def succeed(self) -> None:
        """Note that the header of a successful answer has come."""
        self.answered = True
        if self._on_answer is not None:
            self._on_answer()

    def received(self, size: int) -> None:
        """Count a piece of that many bytes."""
        if self._on_bytes is not None:
            self._on_bytes(size)

    def expect(self, within: float) -> None:
        """Let each read from now on fail if it brings nothing within that many seconds."""
        self.within, self._patient_since = within, float("-inf")

    def patience(self, deadline: float) -> None:
        """Let the next read fail if nothing comes until about that time of the monotonic clock: a second later at most.

        Raises:
            TimeoutError: it has passed.
        """
        now = time.monotonic()
        if now >= deadline:
            raise TimeoutError("timed out")
        # A system call for each of 20,000 pods would be 1.5 us a pod.
        if now - self._patient_since < PATIENT:
            return
        self._patient_since = now
        with self._lock:
            if self._socket is not None:
                self._socket.settimeout(min(deadline - now, self.within))


class _InFlight(threading.local):
    call: Call | None = None


_in_flight = _InFlight()


@contextmanager
def in_flight(call: Call) -> Iterator[None]:
    """Make it the call of the request that this thread sends now."""
    _in_flight.call = call
    try:
        yield
    finally:
        _in_flight.call = None


class _Visible:
    """Shows the socket of a connection to its call before the answer is waited for, and then the answer."""

    sock: socket.socket

    def response_class(self, *args: Any, **more: Any) -> ChunkedResponse:
        answer = ChunkedResponse(*args, **more)
        if _in_flight.call is not None:
            _in_flight.call.answer = answer
        return answer

    def getresponse(self) -> urllib3.HTTPResponse:
        if _in_flight.call is not None:
            _in_flight.call.attach(self.sock)
        response: urllib3.HTTPResponse = super().getresponse()  # type: ignore[misc]  # a mix-in; see `visible`
        return response


def visible(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """Return the pool class (plain, TLS or SOCKS) with connections that show their sockets and answers."""
    connection = type("Connection", (_Visible, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def socket_options() -> list[tuple[int, int, int]]:
    """Return the options of every connection: urllib3's own and the keepalive, as far as the platform has it."""
    return [
        *HTTPConnection.default_socket_options,
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in KEEPALIVE if hasattr(socket, name)),
    ]
