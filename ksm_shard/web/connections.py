"""Connections of the front: bytes are collected without a thread until a whole header is there, in bounded memory.

Bytes come in by `read_some` and go out by gunicorn's response, and nothing else touches the socket's data: TLS belongs there.
"""

import contextlib
import os
import re
import socket
from typing import Any, Final

from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from ksm_shard.web.access import Asked
from ksm_shard.web.limits import MOST_HEADER, RECEIVE_BUFFER, SEND_BUFFER

# Where a header ends: at its empty line, or at a line that ends wrongly, which the parser refuses.
_END: Final = re.compile(rb"\r\n\r\n|(?<!\r)\n")
# Paths of probes, as the kubelet and load balancers write them. Any other spelling is answered too, without a thread of its own.
_PROBE: Final = re.compile(rb"(?:\r\n)?[A-Z]+ /(?:livez|readyz|healthz)(?:\?[^ ]*)? ")
_METRICS: Final = re.compile(rb"(?:\r\n)?[A-Z]+ /metrics(?:\?[^ ]*)? ")


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """One client.

    Attributes:
        timeout: when it is closed if it goes on waiting, by the monotonic clock.
        held: a request that was taken, while somebody finds out whether it may be answered.
        plain: whether it speaks HTTP where TLS is spoken.
        failure: why nothing more comes, one of `telemetry.DROPPED`; "" if the client has just gone.
    """

    sock: socket.socket
    held: tuple[Any, Asked] | None = None
    plain = False
    failure = ""

    def __init__(self, config: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(config, sock, client, server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.timeout = 0.0
        self._buffer = bytearray()
        self._searched = 0
        self._end = 0

    @property
    def began(self) -> bool:
        """Tell whether anything of the next request is there."""
        return bool(self._buffer)

    def read_some(self) -> bytes | None:
        """Return bytes that have come, b"" at their end, None if there are none yet. Never waits."""
        try:
            return self.sock.recv(MOST_HEADER)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def receive(self) -> bool:
        """Collect what has come; tell whether the client is still there."""
        piece = self.read_some()
        if piece:
            self._buffer += piece
        return piece != b""

    @property
    def whole(self) -> bool:
        """Tell whether a whole header is there."""
        if not self._end and (found := _END.search(self._buffer, max(self._searched - 3, 0))):
            self._end = found.end()
        self._searched = len(self._buffer)
        return self._end > 0

    @property
    def too_long(self) -> bool:
        """Tell whether a header is longer than any should be."""
        return (self._end or len(self._buffer)) > MOST_HEADER

    def asks_for_health(self) -> bool:
        """Tell whether the header that is there is a probe's."""
        return _PROBE.match(self._buffer) is not None

    def asks_for_metrics(self) -> bool:
        """Tell whether the header that is there asks for metrics; of the exporter itself, on the telemetry port."""
        return _METRICS.match(self._buffer) is not None

    def request(self) -> Any:
        """Take the header that is there and return what gunicorn reads in it. Raises gunicorn's ParseException."""
        header = bytes(self._buffer[: self._end])
        del self._buffer[: self._end]
        self._searched = self._end = 0
        return next(RequestParser(self.cfg, [header], self.client))

    def last_words(self, answer: bytes) -> None:
        """Send an answer that fits into the kernel's buffer, without waiting for the client."""
        with contextlib.suppress(OSError):
            self.sock.setblocking(False)
            self.sock.send(answer)

    def finish(self) -> None:
        """Say that no more will be sent. What still comes is to be discarded, or a reset could overtake the answer."""
        self._buffer.clear()
        shut(self.sock, socket.SHUT_WR)

    def discard(self) -> bool:
        """Throw away what has come, under whatever wraps the socket; tell whether the client is still there."""
        try:
            return os.read(self.sock.fileno(), 1 << 16) != b""
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False

    def cut(self) -> None:
        """End an answer under way, whichever thread writes it."""
        shut(self.sock, socket.SHUT_RDWR)


def shut(sock: socket.socket, how: int) -> None:
    """Shut a connection under whatever wraps it: TLS would want to say goodbye first."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, how)
