"""Requests that are refused before any site sees them: counted by a closed set of reasons, logged once a minute for each."""

import logging
from collections.abc import Callable
from typing import Any, Final

from gunicorn.http import errors  # type: ignore[import-untyped]

LOG: Final = logging.getLogger(__name__)
# As for odd objects: a scanner, or a browser that speaks TLS to a plain port, sends the same again and again.
LOG_EVERY: Final = 60.0
# Characters of a log line that a client can choose.
LOGGED: Final = 200

REQUEST_LINE: Final = "request_line"
HEADER: Final = "header"
LENGTH: Final = "length"
BODY: Final = "body"
PLAIN: Final = "plain"
# Reason: status, and what the client is told, which never repeats what it sent.
REASONS: Final = {
    REQUEST_LINE: ("400 Bad Request", "the request line is not one of HTTP/1.1"),
    HEADER: ("400 Bad Request", "a header field is not one of HTTP/1.1"),
    LENGTH: ("431 Request Header Fields Too Large", "the header is too long"),
    BODY: ("413 Content Too Large", "no page here takes a body"),
    PLAIN: ("400 Bad Request", "this port speaks HTTPS"),
}
BUSY: Final = ("503 Service Unavailable", "too many requests are under way")
FAILED: Final = ("500 Internal Server Error", "the log says why")


class Refusals:
    """Counts and logs refused requests, and has their answers."""

    def __init__(self, count: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Call `count` with each reason; the clock, in seconds, spaces log lines."""
        self._count, self._clock = count, clock
        self._logged: dict[str, float] = {}

    def refuse(self, reason: str, client: Any, error: object) -> bytes:
        """Count and log a refusal; return the answer."""
        self._count(reason)
        now = self._clock()
        if now - self._logged.get(reason, float("-inf")) >= LOG_EVERY:
            self._logged[reason] = now
            LOG.warning("invalid request (%s) from %s: %s", reason, client[0], str(error)[:LOGGED])
        return answer(*REASONS[reason])


def reason_of(error: errors.ParseException) -> str:
    """Return why gunicorn's parser refuses a header."""
    if isinstance(error, (errors.LimitRequestLine, errors.LimitRequestHeaders)):
        return LENGTH
    if isinstance(error, (errors.InvalidRequestLine, errors.InvalidRequestMethod, errors.InvalidHTTPVersion)):
        return REQUEST_LINE
    return BODY if isinstance(error, errors.UnsupportedTransferCoding) else HEADER


def has_body(headers: list[tuple[str, str]]) -> bool:
    """Tell whether a body follows, by the fields of a header that gunicorn found valid."""
    return any(name == "TRANSFER-ENCODING" or (name == "CONTENT-LENGTH" and int(value) > 0) for name, value in headers)


def answer(status: str, line: str) -> bytes:
    """Return an answer that ends the connection."""
    return (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(line) + 1}\r\n\r\n{line}\n"
    ).encode()
