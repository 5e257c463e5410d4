"""gunicorn's threaded worker with the deadlines of an HTTP server, bounded queues, and a stop that serves on for a while.

gthread gives a connection a thread before it says anything, and reads and writes without a deadline. Here a thread begins with
a whole header and ends with the answer's last byte; before, between and after, a connection waits in the poller:

    waits for                       at most                                     and then
    its whole header                header timeout, from the connection or,     is closed
                                    between requests, from the first byte
    the next request                idle timeout                                is closed
    the client to close             LINGER, after the last answer               is closed
    a probe's thread                until those before it are answered          is answered, but never waited for
    a scrape's thread               refused at once if too many wait            is answered within the write timeout
    a thread for anything else      likewise                                    is answered within 10 seconds
    a check of its credentials      until those before it are checked           waits for its thread, as above

A handshake of TLS is part of waiting for the header.
"""

import errno
import logging
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from gunicorn.util import unquote_to_wsgi_str  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from ksm_shard.web import refusals
from ksm_shard.web.access import GRANTED, VERDICT, Asked, CredentialCheck, Gate, Verdict
from ksm_shard.web.checks import Checks
from ksm_shard.web.connections import Connection
from ksm_shard.web.lanes import Lane, Lanes
from ksm_shard.web.limits import most_connections, raise_open_files
from ksm_shard.web.refusals import Refusals
from ksm_shard.web.waiting import Waiting, Why

LOG: Final = logging.getLogger(__name__)
# Seconds that answers under way have once the process stops: a scrape is sent in less than one.
FINISH: Final = 5.0
# And those that have not begun one: a request that is on its way arrives within that. Browsers open connections that they may
# never use, and each made a stop take five seconds.
FINISH_HEADER: Final = 0.2
# Seconds between two looks at them then.
LOOK: Final = 0.05
# Seconds to wait for a client to close after an answer that ends the connection (RFC 9112, section 9.6).
LINGER: Final = 2.0
# Connections that are taken in one round of the loop: a burst should not wait for a round each, nor should others for the burst.
BURST: Final = 32
# Seconds without new connections when files or memory for one have run out, and between two lines of log about it.
PAUSE: Final = 0.5
LOG_EVERY: Final = 60.0
EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def _ignored(reason: str) -> None:
    """Count nothing."""


def _nothing() -> None:
    """Look at nothing."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, a thread for each request under way.

    Attributes of the class, as gunicorn makes the one instance itself:
        header_timeout, write_timeout, idle_timeout: seconds for a request's header, for its whole answer, and until the next.
        drain_period: returns the seconds to serve on after SIGTERM.
        draining: whether SIGTERM was received.
        invalid: counts a request that was refused, by reason.
        dropped: counts a connection that was closed, by reason.
        look: called about once a second.
        connect: makes a connection of a socket and two addresses; `cfg` goes first.
        gate: says who may ask what; None if anybody may.
    """

    header_timeout = 5.0
    write_timeout = 60.0
    idle_timeout = 300.0
    drain_period: Callable[[], float] = staticmethod(float)
    draining = False
    invalid: Callable[[str], None] = staticmethod(_ignored)
    dropped: Callable[[str], None] = staticmethod(_ignored)
    look: Callable[[], object] = staticmethod(_nothing)
    connect: Callable[..., Connection] = Connection
    gate: Gate | None = None
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadlines: dict[Connection, float] = {}
        self._quitting = self._serving = False
        self._drained_at = self._stopped_at = float("inf")
        self._accept_at = self._warned_at = self._looked_at = float("-inf")

    def init_process(self) -> None:
        """Begin in the worker's process, after the fork."""
        self._most = self._limit = most_connections(raise_open_files())
        # gthread would stop accepting; here the one that waits longest makes room.
        self.worker_connections = self._limit + 1
        super().init_process()

    def run(self) -> None:
        """Serve until stopped."""
        self._waiting = Waiting(self.poller, self._readable)
        self._refusals = Refusals(self.invalid, time.monotonic)
        self._lanes = Lanes(self.sockets[0].getsockname(), self._limit, self.write_timeout)
        self._checks = Checks(self.method_queue.defer)
        self._serving = True
        try:
            super().run()
        finally:
            self._checks.close()  # or those that wait would all be made before the process ends
        self._serving = False
        self._lanes.close()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to take connections; called in every round of the loop."""
        super().set_accept_enabled(enabled and time.monotonic() >= self._accept_at)

    def accept(self, listener: socket.socket) -> None:
        """Take connections, which get a thread once they have said what they want."""
        for _ in range(BURST):
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._exhausted(error)
                return  # none is left, or the one that was next has gone
            if self.nr_conns >= self._most and not self._make_room():
                client.close()
                return
            self.nr_conns += 1
            connection = self.connect(self.cfg, client, address, listener.getsockname())
            self._waiting.add(connection, Why.HEADER, time.monotonic() + self.header_timeout)

    def handle(self, connection: Connection, timeout: float) -> bool | CredentialCheck:
        """Answer one request, on a thread; tell whether the connection is kept, or what has to be known before.

        Nothing is read here: the header is there.
        """
        self._deadlines[connection] = time.monotonic() + timeout
        try:
            if self._quitting:
                return False
            request, asked = connection.held or self._taken(connection)
            if refusals.has_body(request.headers):
                connection.last_words(self._refusals.refuse(refusals.BODY, connection.client, "it has a body"))
                return False
            verdict = self.gate.look(asked) if self.gate is not None else GRANTED
            if isinstance(verdict, CredentialCheck):
                connection.held = request, asked
                return verdict
            connection.held = None
            VERDICT.set(verdict)
            return bool(self.handle_request(request, connection))
        except ParseException as error:
            reason = refusals.reason_of(error)
            connection.last_words(self._refusals.refuse(reason, connection.client, error))
        except (OSError, StopIteration) as error:
            LOG.debug("a client has gone, or was let go: %s", error)
        finally:
            del self._deadlines[connection]
        return False

    def finish_request(self, connection: Connection, lane: Lane, answered: "Future[bool | CredentialCheck]") -> None:
        """Let a connection wait for its next request, for its end, or for a check; called on the main thread."""
        lane.busy -= 1
        connection.sock.setblocking(False)
        error = answered.exception()
        if error is None and isinstance(check := answered.result(), CredentialCheck):
            self._checks.add(check, connection.client[0], partial(self._checked, connection, lane, check.key))
            return
        if error is not None:
            LOG.error("a request failed", exc_info=error)
            connection.last_words(refusals.answer(*refusals.FAILED))
        if error is not None or not answered.result() or not self.alive:
            self._linger(connection)
        elif connection.whole:
            self._dispatch(connection)
        elif connection.began:
            self._waiting.add(connection, Why.HEADER, time.monotonic() + self.header_timeout)
        else:
            self._waiting.add(connection, Why.IDLE, time.monotonic() + self.idle_timeout)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT002  gunicorn's signature
        """End what has waited too long; called in every round of the loop, also while stopping."""
        del force
        now = time.monotonic()
        for connection in self._waiting.overdue(now):
            if self._waiting.why(connection) is Why.HEADER and connection.began:
                self.dropped("header")
            self._close(connection)
        for connection, deadline in self._deadlines.copy().items():
            if min(deadline, self._stopped_at + FINISH) < now:
                connection.cut()
        if now - self._looked_at >= 1.0:
            self._looked_at = now
            self._most = min(self._most + 1, self._limit)
            self.look()

    def murder_pending(self) -> None:
        """Nothing: gthread's second list of those that wait is not used."""

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the loop."""
        left = max(self._drained_at - time.monotonic(), 0.0) if self.alive else LOOK
        super().wait_for_and_dispatch_events(min(timeout, left))
        if self._quitting:
            sys.exit(0)
        if self.alive and time.monotonic() >= self._drained_at:
            self._stop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: serve on for the drain period, no longer ready, then stop."""
        del sig, frame
        if not self.draining:
            Worker.draining = True
            self._drained_at = time.monotonic() + self.drain_period()
            self.method_queue.defer(int)  # wakes the loop

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGQUIT or SIGINT: stop at once. Answers under way are cut: the interpreter would wait for them.

        The loop ends the process, not this handler, which may have interrupted anything: an exception while a thread of a pool
        is being started leaves one that nobody ends, and while a pool is locked it was a deadlock. The parent killed the worker
        ten seconds later.
        """
        del sig, frame
        if self._quitting:
            return  # Ctrl-C comes twice, from the terminal and from the parent: the source is being closed
        self._quitting = True
        self.alive = False
        for connection in self._deadlines.copy():
            connection.cut()
        if not self._serving:
            sys.exit(0)
        self.method_queue.defer(int)  # wakes the loop

    def _readable(self, connection: Connection) -> None:
        """Take what has come from a connection that waits."""
        why = self._waiting.why(connection)
        if why is Why.CLOSING:
            if not connection.discard():
                self._close(connection)
        elif not connection.receive():
            if connection.failure:
                self.dropped(connection.failure)
            self._close(connection)
        elif connection.whole or connection.too_long:
            self._waiting.remove(connection)
            self._dispatch(connection)
        elif why is Why.IDLE and connection.began:
            self._waiting.add(connection, Why.HEADER, time.monotonic() + self.header_timeout)

    def _dispatch(self, connection: Connection) -> None:
        """Give a connection whose header is there to the threads for it."""
        if connection.too_long:
            connection.last_words(self._refusals.refuse(refusals.LENGTH, connection.client, "the header is too long"))
            self._linger(connection)
        elif connection.plain:
            connection.last_words(self._refusals.refuse(refusals.PLAIN, connection.client, "it is not TLS"))
            self._linger(connection)
        else:
            self._submit(connection, self._lanes.of(connection))

    def _submit(self, connection: Connection, lane: Lane) -> None:
        """Give a request to a lane, or refuse it."""
        if lane.busy >= lane.most:
            self.dropped("busy")
            connection.last_words(refusals.answer(*refusals.BUSY))
            self._linger(connection)
            return
        lane.busy += 1
        connection.sock.setblocking(lane.blocks)
        future = lane.pool.submit(self.handle, connection, lane.timeout)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, lane, done))

    def _taken(self, connection: Connection) -> tuple[Any, Asked]:
        """Take a request. Its path is what gunicorn makes of it for the application, by the same function."""
        request = connection.request()
        fields = [value for name, value in request.headers if name == "AUTHORIZATION"]
        return request, Asked(request.method, unquote_to_wsgi_str(request.path), fields)

    def _checked(self, connection: Connection, lane: Lane, key: bytes, verdict: Verdict) -> None:
        """Go on with a request, for which something was found out."""
        if connection.held is not None:
            connection.held[1].found[key] = verdict
        self._submit(connection, lane)

    def _linger(self, connection: Connection) -> None:
        """Wait for a client to have read its last answer: closed sooner, a reset could overtake it."""
        connection.finish()
        self._waiting.add(connection, Why.CLOSING, time.monotonic() + (LINGER if self.alive else FINISH_HEADER))

    def _close(self, connection: Connection) -> None:
        self._waiting.remove(connection)
        self.nr_conns -= 1
        connection.close()

    def _make_room(self) -> bool:
        """Close the connection that waits longest; tell whether there was one."""
        self.dropped("full")
        longest = self._waiting.longest()
        if longest is not None:
            self._close(longest)
        return longest is not None

    def _exhausted(self, error: OSError) -> None:
        """Give up a quarter of the connections, as others need files too; pause where none can go.

        The listener would go on being readable, and each round of the loop fail.
        """
        now, before = time.monotonic(), self.nr_conns
        if now - self._warned_at >= LOG_EVERY:
            self._warned_at = now
            LOG.warning("no further connection beside %d that are open: %s", before, error.strerror)
        self._most = max(before * 3 // 4, 1)
        while self.nr_conns > self._most and self._make_room():
            pass
        if self.nr_conns == before:
            self._accept_at = now + PAUSE
            self.set_accept_enabled(False)

    def _stop(self) -> None:
        self.alive = False
        self._stopped_at = now = time.monotonic()
        for connection in list(self._waiting):
            if self._waiting.why(connection) is Why.HEADER and not connection.began:
                self._close(connection)
        self._waiting.hurry({Why.HEADER: now + FINISH_HEADER, Why.IDLE: now, Why.CLOSING: now + FINISH_HEADER})
