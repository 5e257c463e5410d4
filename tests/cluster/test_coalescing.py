"""When a reader leaves events in the socket, and what makes it read them, with sockets of the kernel."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.cluster.coalescing import MUCH, CoalescedReads

# Seconds that no test waits for.
FOREVER = 3600.0
PATIENCE = 20.0


class Watched:
    """A reader of a TCP connection, which pauses before each read, in a thread.

    Attributes:
        reads: its pauses.
        peer: the other end, to write to.
        taken: number of bytes that it has read since it first paused.
        thread: ends with the connection.
    """

    def __init__(self, seconds: float) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.connection = socket.create_connection(server.getsockname(), PATIENCE)
            self.peer, _ = server.accept()
        self.peer.settimeout(PATIENCE)
        self.reads = CoalescedReads(seconds)
        self.taken = -1
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.peer.sendall(b"-")  # the first read of a watch waits for nobody
        assert self.has(0, asking=False)

    def _run(self) -> None:
        while True:
            self.reads.pause(self.connection)
            piece = self.connection.recv(1 << 16)
            if not piece:
                break
            self.taken += len(piece)
        self.reads.leave()

    def has(self, size: int, *, asking: bool) -> bool:
        """Wait until so many bytes were read, asking for what is in the socket or not; return whether they were."""
        deadline = time.monotonic() + PATIENCE
        while self.taken != size and time.monotonic() < deadline:
            if asking:
                self.reads.resume()
                assert self.reads.wait(PATIENCE)
            else:
                self.thread.join(0.001)
        return self.taken == size


@contextmanager
def watched(seconds: float = FOREVER) -> Iterator[Watched]:
    """Return a reader, which ends with the block, at once."""
    one = Watched(seconds)
    try:
        yield one
    finally:
        one.connection.shutdown(socket.SHUT_RDWR)
        one.thread.join(PATIENCE)
        one.peer.close()
        one.connection.close()
    assert not one.thread.is_alive()


@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(st.integers(1, 3 * MUCH), max_size=5))
def test_who_asks_gets_all_that_has_come(pieces: list[int]) -> None:
    """Whatever comes, a pause that nothing else would end leaves none of it unread."""
    with watched() as one:
        for number, size in enumerate(pieces, 1):
            one.peer.sendall(bytes(size))
            assert one.has(sum(pieces[:number]), asking=True)


def test_little_stays_in_the_socket() -> None:
    """An event is read when somebody asks, and not before."""
    with watched() as one:
        one.peer.sendall(bytes(1000))
        one.thread.join(0.02)
        assert 0 == one.taken
        assert one.has(1000, asking=True)


def test_much_is_read_at_once() -> None:
    """Many events end a pause, long before the API server has to wait for this client."""
    with watched() as one:
        for _ in range(4):
            one.peer.sendall(bytes(MUCH))
        assert one.has(4 * MUCH, asking=False)


def test_a_pause_ends_by_itself() -> None:
    """Nobody has to ask."""
    with watched(0.01) as one:
        one.peer.sendall(bytes(1000))
        assert one.has(1000, asking=False)


@pytest.mark.parametrize("size", [0, 1000])
def test_the_end_of_a_watch_ends_a_pause(size: int) -> None:
    """What was sent before the end is read first."""
    with watched() as one:
        one.peer.sendall(bytes(size))
        one.peer.shutdown(socket.SHUT_WR)
        one.thread.join(PATIENCE)
        assert (False, size) == (one.thread.is_alive(), one.taken)


def test_nobody_waits_where_nothing_has_come() -> None:
    """A quiet watch, of which a cluster has 40, costs a scrape nothing."""
    with watched() as one:
        one.reads.resume()
        assert one.reads.wait(0)
