"""Cancel requests in flight from another thread, and notice dead peers.

urllib3 returns a response, which can be shut down, only after the header has come. An API server in trouble takes up to
a minute to send the header, and stopping must not wait for it.
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
from ksm_shard.cluster.coalescing import CoalescedReads
from ksm_shard.cluster.tls import MemoryTlsSocket

# A dead peer never closes its connection. The kernel probes an idle peer after 30 s and gives up a minute later. A load
# balancer in between answers the probes itself; then only the deadline of the watch helps.
KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
# Seconds by which a deadline may be missed: watches get 5 s more than their server has promised.
PATIENT: Final = 1.0


class Call:
    """One request in flight. Any thread may cancel it.

    Attributes:
        within: seconds within which each read has to bring something.
        cancelled: whether a thread has cancelled the call.
        answered: whether the header of a successful answer has come.
        answer: the response of http.client beneath that of urllib3; None until the request was sent.
    """

    def __init__(
        self, on_bytes: Callable[[int], None] | None = None, on_answer: Callable[[], None] | None = None
    ) -> None:
        """Take two callbacks.

        `on_bytes` is called with the size of each piece read, `on_answer` when the header of a successful answer has come.
        """
        self._on_bytes = on_bytes
        self._on_answer = on_answer
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._reads: CoalescedReads | None = None
        self._patient_since = float("-inf")
        self.within = float("inf")
        self.cancelled = self.answered = False
        self.answer: ChunkedResponse | None = None

    def cancel(self) -> None:
        """Break off the read in progress and refuse later ones.

        Any thread may call this at any time.
        """
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                # Shut the socket down below TLS: the shutdown of TLS itself would swap the layers under the reading thread.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def attach(self, connection: socket.socket | None) -> None:
        """Use this socket from now on; None once the socket is back in the pool.

        A socket in the pool must not be shut down.
        """
        with self._lock:
            self._socket = connection
        if connection is not None:
            self.check()

    def check(self) -> None:
        """Raise OSError if the call was cancelled.

        The end of a socket that was shut down may look clean.
        """
        if self.cancelled:
            raise OSError("cancelled")

    def succeed(self) -> None:
        """Note that the header of a successful answer has come."""
        self.answered = True
        if self._on_answer is not None:
            self._on_answer()

    def received(self, size: int) -> None:
        """Count a piece of `size` bytes."""
        if self._on_bytes is not None:
            self._on_bytes(size)

    def expect(self, within: float) -> None:
        """Let each later read fail if `within` seconds bring nothing."""
        self.within, self._patient_since = within, float("-inf")

    def coalesce(self, reads: CoalescedReads) -> None:
        """Pause before later reads."""
        self._reads = reads

    def pause(self) -> None:
        """Pause before the next read of a body in chunks, if this call's reads are coalesced."""
        # Only the sockets of which it is known where bytes may wait; a proxy's TLS inside TLS is no socket at all.
        connection = self._socket
        if self._reads is not None and connection is not None and type(connection) in {socket.socket, MemoryTlsSocket}:
            self._reads.pause(connection)

    def patience(self, deadline: float) -> None:
        """Let the next read fail if nothing comes until the deadline.

        The deadline is a time of the monotonic clock; the failure may be PATIENT seconds late.

        Raises:
            TimeoutError: the deadline has passed.
        """
        now = time.monotonic()
        if now >= deadline:
            raise TimeoutError("timed out")
        # Setting the timeout is a system call: for each of 20,000 pods it would cost 1.5 us a pod.
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
    """Make `call` the call of this thread's request within the block."""
    _in_flight.call = call
    try:
        yield
    finally:
        _in_flight.call = None


class _Visible:
    """Show the socket of a connection to its call, then the answer.

    The socket is shown before the answer is waited for.
    """

    sock: socket.socket

    def response_class(self, *args: Any, **more: Any) -> ChunkedResponse:
        answer = ChunkedResponse(*args, **more)
        if _in_flight.call is not None:
            _in_flight.call.answer = answer
        return answer

    def getresponse(self) -> urllib3.HTTPResponse:
        if _in_flight.call is not None:
            _in_flight.call.attach(self.sock)
        response: urllib3.HTTPResponse = super().getresponse()  # type: ignore[misc]  # a mix-in: `visible` adds the base class
        return response


def visible(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """Return a pool class (plain, TLS or SOCKS) with visible connections.

    Its connections show their sockets and answers to the call in flight.
    """
    connection = type("Connection", (_Visible, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def socket_options() -> list[tuple[int, int, int]]:
    """Return the socket options: urllib3's own and the keepalive.

    Keepalive options that the platform lacks are left out.
    """
    return [
        *HTTPConnection.default_socket_options,
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in KEEPALIVE if hasattr(socket, name)),
    ]
