"""JSON requests to an API server, over connections that are kept.

One over TLS for each request held a writer at 73 to 154 a second.
"""

import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


class Rejected(Exception):
    """The API server did not do it.

    Attributes:
        code: the status of its answer.
    """

    def __init__(self, code: int, what: str) -> None:
        """Take the status and the text of the answer."""
        super().__init__(f"{code}: {what}")
        self.code = code


class Client:
    """A connection for each thread that asks. Use it as a context."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        """Send these headers with every request; `tls` checks certificates."""
        self._server = urlsplit(url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        self._tls = tls
        self._mine = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for connection in self._all:
            connection.close()

    def __call__(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> dict[str, Any]:
        """Return the object in the answer.

        `kind` is the content type of the body, JSON if it is not given.

        Raises:
            Rejected: it is any other than 2xx.
        """
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        data = json.dumps(body).encode() if body is not None else None
        try:
            code, text = self._ask(method, path, data, headers)
        except (http.client.HTTPException, OSError):  # one that was idle is closed by then; the next is a fresh one
            self._mine.connection.close()
            code, text = self._ask(method, path, data, headers)
        if code >= http.client.MULTIPLE_CHOICES:
            raise Rejected(code, f"{method} {path}: {text.decode()}")
        return dict(json.loads(text))

    def merge(self, path: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a change into an object."""
        return self("PATCH", path, change, "application/merge-patch+json")

    def delete(self, path: str, grace: int) -> None:
        """Delete an object, with a grace period in seconds."""
        self("DELETE", path, {"gracePeriodSeconds": grace, "kind": "DeleteOptions", "apiVersion": "v1"})

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = self._connection()
            self._all.append(self._mine.connection)
        connection: http.client.HTTPConnection = self._mine.connection
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._server.hostname or "", self._server.port
        if self._server.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=20, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=20)
