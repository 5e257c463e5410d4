"""Read many chunks of a body at once.

Bodies have `Transfer-Encoding: chunked` (RFC 9112 section 7.1). A watch sends a chunk or two for each event. http.client
and urllib3 read chunk by chunk, which costs several reads an event. Reading first and splitting afterwards costs one read
an event over TLS, where an event is a record, and over plain HTTP a read of 64 kB holds a dozen events.
"""

import http.client
import io
import re
from typing import Final

# The length that http.client allows a line; chunk sizes have a few digits.
MAX_LINE: Final = 65536
HEX: Final = b"0123456789abcdefABCDEF"
# The end of a chunk, and the size of one that follows, as nearly all are written: one match took 0.5 us, two lines took 2 us.
BETWEEN: Final = re.compile(rb"\r\n([1-9a-fA-F][0-9a-fA-F]{0,7})\r\n")


class ChunkedResponse(http.client.HTTPResponse):
    """A response that reads a chunked body through Dechunked."""

    def begin(self) -> None:
        """Read the header; the body follows."""
        super().begin()
        if self.chunked and self.fp is not None:
            self.fp = Dechunked(self.fp)  # type: ignore[assignment]  # has the methods that http.client calls
            self.chunked = False


class Dechunked:
    """The body that a file holds in chunks.

    Reads raise http.client.HTTPException if the body is cut short or is not in chunks.
    """

    def __init__(self, file: io.BufferedIOBase) -> None:
        """Take the file, at its first chunk."""
        self._file = file
        self._rest = b""  # bytes read of a line that is incomplete
        self._left = 0  # bytes until the end of the chunk
        self._within = False  # inside a chunk, or at its end before the line break
        self._trailing = False
        self._ended = False

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(iter(self.read1, b""))

    def read1(self, size: int = MAX_LINE) -> bytes:
        """Return the bytes of one read of about `size`; b"" at the end."""
        while not self._ended:
            piece = self._file.read1(size)
            if not piece:
                raise http.client.IncompleteRead(b"")
            if len(piece) <= self._left:  # the middle of a chunk, as in most reads of a list page: no copy
                self._left -= len(piece)
                return piece
            if found := self._take(self._rest + piece if self._rest else piece):
                return found
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def flush(self) -> None:
        """Do nothing; http.client flushes the file it reads from."""

    def _take(self, data: bytes) -> bytes:
        """Return the body's bytes in `data`; keep an incomplete line."""
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
                if between := BETWEEN.match(data, at):
                    self._left = int(between[1], 16)
                    at = between.end()
                    continue
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
        """Parse a line outside the body: a chunk's end, a size or a trailer."""
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
