"""gunicorn's threaded worker with the deadlines of an HTTP server, and a stop that serves on for a while.

gthread reads and writes without any deadline: a client that sends half a header, or takes 1 KB a second, would keep its thread
for ever. Here each request has one deadline for its header and then one for its answer, as in Go's http.Server. The main loop
looks at them once a second and shuts the sockets of those overdue, which wakes their threads: no cost for the piece that is sent.
"""

import contextlib
import socket
import sys
import time
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

# Seconds that answers under way have once the process stops: a scrape is sent in less than one.
FINISH: Final = 5.0
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
        self._quitting = False
        self._drained_at = float("inf")

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
        patience = self.write_timeout if self.alive else FINISH
        self._deadlines[conn] = time.monotonic() + patience
        return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT002  gunicorn's signature
        """End what has waited too long; called in every round of the loop, also while stopping."""
        super().murder_keepalived(force or not self.alive)
        now = time.monotonic()
        for conn, deadline in self._deadlines.copy().items():
            if deadline < now:
                _shut(conn.sock, socket.SHUT_RDWR)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the loop."""
        super().wait_for_and_dispatch_events(min(timeout, max(self._drained_at - time.monotonic(), 0.0)))
        if self.alive and time.monotonic() >= self._drained_at:
            self.alive = False
            self._hurry(FINISH)

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

    def _hurry(self, seconds: float) -> None:
        last = time.monotonic() + seconds
        for conn, deadline in self._deadlines.copy().items():
            self._deadlines[conn] = min(deadline, last)


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
