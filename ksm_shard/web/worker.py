"""gunicorn's threaded worker with the deadlines of an HTTP server, and a stop that serves on for a while.

gthread reads and writes without any deadline: a client that sends half a header, or takes 1 KB a second, would keep its thread
for ever. Here each request has one deadline for its header and then one for its answer, as in Go's http.Server. The main loop
looks at them once a second and shuts the sockets of those overdue, which wakes their threads: no cost for the piece that is sent.
gthread also gives a connection a thread before it says anything, for five seconds; here it waits for its first byte in the poller.
"""

import contextlib
import errno
import selectors
import socket
import sys
import time
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

# Seconds that answers under way have once the process stops: a scrape is sent in less than one.
FINISH: Final = 5.0
# And those that have not begun one: a request that is on its way arrives within that. Browsers open connections that they may
# never use, and each made a stop take five seconds.
FINISH_HEADER: Final = 0.2
# Seconds between two looks at them then.
LOOK: Final = 0.05
# Seconds to wait for a client to close after an answer that ends the connection (RFC 9112, section 9.6).
LINGER: Final = 2.0


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, a thread for each request under way.

    Attributes of the class, as gunicorn makes the one instance itself:
        header_timeout, write_timeout: seconds for a request's header, and from then on for its whole answer.
        drain_period: seconds to serve on after SIGTERM.
        draining: whether SIGTERM was received.
    """

    header_timeout = 5.0
    write_timeout = 60.0
    drain_period = 0.0
    draining = False
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadlines: dict[TConn, float] = {}
        self._answering: set[TConn] = set()
        self._quitting = False
        self._drained_at = self._stopped_at = float("inf")

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, which gets a thread with its first byte."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + self.header_timeout
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> Any:
        """Serve one request, on a thread of its own."""
        self._deadlines[conn] = time.monotonic() + self.header_timeout
        try:
            result = super().handle(conn)
            if result is False:
                _linger(conn.sock)
        finally:
            del self._deadlines[conn]
        return result

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request whose header has been read."""
        self._answering.add(conn)
        self._deadlines[conn] = time.monotonic() + self.write_timeout
        try:
            return super().handle_request(req, conn)
        finally:
            self._answering.discard(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT002  gunicorn's signature
        """End what has waited too long; called in every round of the loop, also while stopping."""
        super().murder_keepalived(force or not self.alive)
        now = time.monotonic()
        for conn, deadline in self._deadlines.copy().items():
            last = self._stopped_at + (FINISH if conn in self._answering else FINISH_HEADER)
            if min(deadline, last) < now:
                _shut(conn.sock, socket.SHUT_RDWR)

    def murder_pending(self) -> None:
        """End what has not said anything for too long: at once when stopping."""
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = 0.0
        super().murder_pending()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the loop."""
        left = max(self._drained_at - time.monotonic(), 0.0) if self.alive else LOOK
        super().wait_for_and_dispatch_events(min(timeout, left))
        if self.alive and time.monotonic() >= self._drained_at:
            self.alive = False
            self._stopped_at = time.monotonic()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: serve on for the drain period, no longer ready, then stop."""
        del sig, frame
        if not self.draining:
            Worker.draining = True
            self._drained_at = time.monotonic() + self.drain_period
            self.method_queue.defer(int)  # wakes the loop

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGQUIT or SIGINT: stop at once. Answers under way are cut: the interpreter would wait for them.

        gthread would also shut its pool down here. That takes a lock, which the main thread holds while it hands on a
        request: a SIGINT just then was a deadlock, until the parent killed the worker ten seconds later.
        """
        del sig, frame
        if self._quitting:
            return  # Ctrl-C comes twice, from the terminal and from the parent: the source is being closed
        self._quitting = True
        self.alive = False
        for conn in self._deadlines.copy():
            _shut(conn.sock, socket.SHUT_RDWR)
        sys.exit(0)


def _linger(sock: socket.socket) -> None:
    """Wait for the client to have read everything. gthread does so on the main loop, holding up all others."""
    with contextlib.suppress(OSError):
        _shut(sock, socket.SHUT_WR)
        sock.settimeout(LINGER)
        while sock.recv(4096):
            pass
    _shut(sock, socket.SHUT_RD)


def _shut(sock: socket.socket, how: int) -> None:
    """Shut a connection under whatever wraps it: TLS would want to say goodbye first."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, how)
