"""A crowd of clients that misbehave, in a process of its own: they come back a second after they were let go.

Prints `there` once all have connected, and ends with its standard input.
"""

import selectors
import socket
import sys
import time
from typing import Final

from ksm_shard.web.limits import raise_open_files

HEADER: Final = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
# What each sort says at once, and what it goes on saying a piece a second.
SORTS: Final = {
    "half": (HEADER, b""),
    "slow-header": (b"GET /metrics HTTP/1.1\r\nX: ", b"a"),
    "slow-body": (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"a"),
    "idle": (b"", b""),
    "owner": (b"", b"GET /owner?resource=pods&name=hanging HTTP/1.1\r\nHost: a\r\n\r\n"),
}


class Member:
    """One client of a sort."""

    def __init__(self, port: int, sort: str) -> None:
        self.port = port
        self.first, self.then = SORTS[sort]
        self.sock: socket.socket | None = None

    def act(self, selector: selectors.BaseSelector) -> None:
        """Say the next piece, or come back."""
        try:
            if self.sock is None:
                self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=5)
                self.sock.sendall(self.first)
                self.sock.setblocking(False)
                selector.register(self.sock, selectors.EVENT_READ, self)
            elif self.then:
                self.sock.send(self.then)
        except BlockingIOError:
            pass
        except OSError:
            self.leave(selector)

    def hear(self, selector: selectors.BaseSelector) -> None:
        """Read an answer, and leave if it was the last."""
        try:
            if self.sock is None or self.sock.recv(1 << 16):
                return
        except OSError:
            pass
        self.leave(selector)

    def leave(self, selector: selectors.BaseSelector) -> None:
        if self.sock is not None:
            if self.sock in selector.get_map():
                selector.unregister(self.sock)
            self.sock.close()
        self.sock = None


def main() -> None:
    """Misbehave: the port, how many of each sort, and the sorts."""
    port, count, *sorts = sys.argv[1:]
    raise_open_files()
    selector = selectors.DefaultSelector()
    members = [Member(int(port), sort) for _ in range(int(count)) for sort in sorts]
    for member in members:
        member.act(selector)
    print("there", flush=True)
    selector.register(sys.stdin, selectors.EVENT_READ)
    turn, due = 0, time.monotonic()
    while True:
        for key, _ in selector.select(max(due - time.monotonic(), 0)):
            if key.data is None:
                return
            key.data.hear(selector)
        # A hundredth of them each hundredth of a second, not all at once.
        if time.monotonic() >= due:
            due += 0.01
            for member in members[turn::100]:
                member.act(selector)
            turn = (turn + 1) % 100


if __name__ == "__main__":
    main()
