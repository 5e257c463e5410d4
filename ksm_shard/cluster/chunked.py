"""Bodies in chunks (`Transfer-Encoding: chunked`, RFC 9112 section 7.1), many chunks a read.

A watch is a chunk or two an event. Read chunk by chunk, as http.client and urllib3 do, an event costs several reads; taken apart
here it costs one over TLS, which is a record an event, and over plain HTTP a read of 64 kB is a dozen events.
"""

import http.client
import io
from typing import Final

# What http.client allows a line; sizes are some digits long.
MAX_LINE: Final = 65536
HEX: Final = b"0123456789abcdefABCDEF"


class ChunkedResponse(http.client.HTTPResponse):
    """An answer whose file, when the body comes in chunks, holds the body itself."""

    def begin(self) -> None:
        """Read the header; the body follows."""
        super().begin()
        if self.chunked and self.fp is not None:
            self.fp = Dechunked(self.fp)  # type: ignore[assignment]  # has what http.client uses of a file
            self.chunked = False


class Dechunked:
    """The body that a file holds in chunks. Raises http.client.HTTPException where it is cut short or is no such body."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        """Take the file, at the first chunk."""
        self._file = file
        self._rest = b""  # of what was read: the beginning of a line
        self._left = 0  # bytes until the end of the chunk
        self._within = False  # a chunk, or at its end, before the line break
        self._trailing = False
        self._ended = False

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(iter(self.read1, b""))

    def read1(self, size: int = MAX_LINE) -> bytes:
        """Return what one read of about that many bytes brings; b"" at the end."""
        while not self._ended:
            piece = self._file.read1(size)
            if not piece:
                raise http.client.IncompleteRead(b"")
            if len(piece) <= self._left:  # of the middle of a chunk, as most of a page of a list is: no copy
                self._left -= len(piece)
                return piece
            if found := self._take(self._rest + piece if self._rest else piece):
                return found
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def flush(self) -> None:
        """Do nothing: http.client flushes what it reads from."""

    def _take(self, data: bytes) -> bytes:
        """Return what of the body there is in the data, keeping an incomplete line for the next time."""
        found = []
        at = 0
        while not self._ended:
            if self._left:
                part = data[at : at + self._left]
                found.append(part)
                at += len(part)
                self._left -= len(part)
                if self._left:
                    break
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            self._line(data[at:end])
            at = end + 2
        self._rest = data[at:]
        if len(self._rest) > MAX_LINE:
            raise http.client.LineTooLong("the size of a chunk")
        return found[0] if len(found) == 1 else b"".join(found)

    def _line(self, line: bytes) -> None:
        """Take a line that is not of the body: the end of a chunk, the size of the next, or a trailer."""
        if self._trailing:
            self._ended = not line
        elif self._within:
            if line:
                raise http.client.HTTPException(f"expected the end of a chunk, got {len(line)} bytes more")
            self._within = False
        else:
            digits = line.partition(b";")[0].strip()
            if not digits or digits.strip(HEX):
                raise http.client.HTTPException(f"expected the size of a chunk, got {len(line)} bytes that are none")
            self._left = int(digits, 16)
            self._within = self._left > 0
            self._trailing = not self._within
