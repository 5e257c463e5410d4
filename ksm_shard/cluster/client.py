"""Send requests to the API server and return raw bytes."""

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning, NewConnectionError, SSLError

from ksm_shard.cluster import incluster
from ksm_shard.cluster.calls import Call, in_flight, visible
from ksm_shard.cluster.chunked import Dechunked
from ksm_shard.cluster.config import CredentialsError, RestConfig, direct
from ksm_shard.cluster.errors import (
    Cancelled,
    ConfigurationError,
    RequestError,
    Unauthorized,
    Unavailable,
    request_error,
)
from ksm_shard.cluster.server_clock import ServerClock
from ksm_shard.cluster.tls import share_context
from ksm_shard.wire.codec import ApiStatus, ProtobufCodec
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import JsonCodec

log = logging.getLogger(__name__)

CONNECT_TIMEOUT: Final = 10.0
# Seconds. The API server cuts every request except watches at 60 s, so an answer later than that never comes.
ANSWER_TIMEOUT: Final = 65.0
CHUNK: Final = 1 << 16
# Bytes read of a refusal: an ApiStatus has some hundred, and a proxy's error page need not be read whole.
MESSAGE: Final = 1 << 16
JSON: Final = "application/json"
# Seconds between loads of the credentials. A 401 loads them anew, but 45 reflectors must not each do so at every attempt:
# an exec plugin may ask a cloud.
RELOAD_AFTER: Final = 30.0
# Variables that name a proxy, in either case.
PROXIES: Final = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"})


class Response:
    """A successful answer, to be closed or used by `with`.

    Reads raise Unavailable or Cancelled, the errors of `errors`.
    """

    def __init__(self, path: str, raw: urllib3.BaseHTTPResponse, call: Call) -> None:
        self._path = path
        self._raw = raw
        self._call = call

    @property
    def content_type(self) -> str:
        """The media type, in lower case, with its parameters."""
        return self._raw.headers.get("content-type", "").lower()

    def body(self) -> bytes:
        """Return the whole body.

        Raises:
            Unavailable: the body was cut short, or nothing came for ANSWER_TIMEOUT seconds.
            Cancelled: a thread has cancelled the call.
        """
        with _named(self._path, self._call):
            body = self._raw.read()
            self._call.check()
        self._call.received(len(body))
        return body

    def opening(self, size: int, within: float) -> bytes:
        """Return the first bytes of the body, at least `size` if there are as many.

        The rest of the body has yet to be read. Raises the errors of `body`.
        """
        found = b""
        with closing(self.chunks(within, size)) as pieces:
            while len(found) < size and (piece := next(pieces, b"")):
                found += piece
        return found

    def chunks(self, within: float, size: int = CHUNK) -> Generator[bytes, None, None]:
        """Yield the body in pieces as they arrive.

        A piece has `size` bytes at most; the body has to end within `within` seconds.

        Raises the errors of `body`; Unavailable too when the time is over.
        """
        deadline = time.monotonic() + within
        answer = self._call.answer
        # Reads bypass urllib3, which adds 5 us to each: a read is one TLS record, and a record one event.
        body = answer.fp if answer is not None and isinstance(answer.fp, Dechunked) else self._raw
        with _named(self._path, self._call):
            while True:
                if body is not self._raw:  # which has a buffer of its own
                    self._call.pause()
                self._call.patience(deadline)
                piece = body.read1(size)
                self._call.check()
                if not piece:
                    self._raw.read1(CHUNK)  # urllib3 has to see the end, to give the connection back
                    return
                self._call.received(len(piece))
                yield piece
                del piece  # a secret's annotation may be in the piece, and the next read may wait for minutes

    def close(self) -> None:
        """Return the connection to the pool after a whole answer, else close it."""
        self._call.attach(None)
        if not self._raw.closed:  # a response read to its end has closed itself and returned its connection
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class ApiServer:
    """The API server: a pool of connections, with credentials renewed on expiry.

    All threads share the pool.

    Attributes:
        clock: the server's clock, by the Date of its answers.
    """

    def __init__(self, load: Callable[[], RestConfig]) -> None:
        """Load the way to the server, which is loaded again when the server refuses the credentials.

        Raises:
            ConfigurationError: the configuration cannot be loaded now.
            TypeError: as `load` raises; trying again would not help.
        """
        self._load = load
        self._lock = threading.Lock()
        self.clock = ServerClock()
        self._open()
        with suppress(Unavailable):  # a login may fail now and work later
            self._credentials("/")

    def get(
        self, path: str, query: Mapping[str, str], accept: str, call: Call | None = None, within: float | None = None
    ) -> Response:
        """Send a GET request; return once a successful header has come.

        `within` limits the whole request, in seconds.

        Raises:
            RequestError: of the subclass for the server's answer, or for the failure of the connection.
        """
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path, path, accept, call or Call(), within)

    def post(self, path: str, body: bytes, within: float) -> Response:
        """Send JSON and ask for JSON, as `get` does otherwise. For reviews, which change nothing."""
        return self._send("POST", path, path, JSON, Call(), within, body)

    def _send(
        self,
        method: str,
        target: str,
        path: str,
        accept: str,
        call: Call,
        within: float | None,
        body: bytes | None = None,
    ) -> Response:
        base, pool = self._way
        # No gzip is asked for. Watches, which also serve lists (WatchList), are never compressed. For pages gzip moves work
        # from this process (11 instead of 17 us a pod) to the one server that all shards share (15 us more a pod).
        headers = {
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": "ksm-shard",
            **self._credentials(path),
            **({} if body is None else {"Content-Type": JSON}),
        }
        timeout = urllib3.Timeout(total=within, connect=CONNECT_TIMEOUT, read=ANSWER_TIMEOUT)
        asked = time.monotonic()
        with _named(path, call), in_flight(call):
            try:
                raw = pool.request(
                    method,
                    base + target,
                    body=body,
                    headers=headers,
                    timeout=timeout,
                    preload_content=False,
                    redirect=False,
                )
            except SSLError:
                # Another authority may have signed the cluster's certificates since; the kubeconfig or the pod may name the
                # new one.
                self._reload()
                raise
        self.clock.heard(raw.headers.get("date", ""), asked)
        if raw.status == 200 or (raw.status == 201 and method == "POST"):
            call.succeed()
            return Response(path, raw, call)
        refusal = _refusal(path, raw)
        Response(path, raw, call).close()
        if isinstance(refusal, Unauthorized):
            self._reload()
        raise refusal

    def _open(self) -> None:
        config = self._load()
        pool = config.pool
        pool.pool_classes_by_scheme = {name: visible(kind) for name, kind in pool.pool_classes_by_scheme.items()}
        if config.host.startswith("https:"):
            try:
                share_context(pool.connection_pool_kw)
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"the certificates for {config.host} cannot be used: {error}") from error
        self._authorization = config.authorization
        # The host is kept apart, because the refresh hook of a kubeconfig restores its own server over that of --apiserver.
        self._way = config.host.rstrip("/"), pool
        self._loaded = time.monotonic()

    def _credentials(self, path: str) -> dict[str, str]:
        """Return the Authorization header, or {} without a token."""
        with self._lock:
            try:
                authorization = self._authorization()
            except CredentialsError as error:
                raise Unavailable(path, f"the credentials could not be renewed: {error}") from error
        return {"Authorization": authorization} if authorization else {}

    def _reload(self) -> None:
        """Load the configuration anew after a 401 or a TLS error.

        Certificates and token files have no hook that would renew them.
        """
        with self._lock:
            if time.monotonic() - self._loaded < RELOAD_AFTER:
                return
            try:
                self._open()
            except ConfigurationError as error:
                self._loaded = time.monotonic()
                log.warning("the credentials or certificates were refused and could not be loaded again: %s", error)


def connect(apiserver: str | None = None, kubeconfig: str | None = None) -> ApiServer:
    """Find the API server by a kubeconfig or in-cluster.

    A kubeconfig that is named comes first, then the in-cluster configuration, then the usual kubeconfig. `apiserver` (a
    URL) overrides the server found; with `http://` nothing else is needed or looked for.

    Raises:
        ConfigurationError: no server was found, or the kubeconfig is missing or broken.
    """
    if apiserver is not None:
        parts = urlsplit(apiserver)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"--apiserver: expected http://HOST:PORT or https://HOST:PORT, got {apiserver!r}")

    def load() -> RestConfig:
        config = _found(apiserver, kubeconfig)
        if not config.verified:
            # Logged once here, where urllib3 would warn at each request.
            log.warning("the certificate of %s is not verified, as its kubeconfig says", config.host)
            urllib3.disable_warnings(InsecureRequestWarning)
        return config

    return ApiServer(load)


def _found(apiserver: str | None, kubeconfig: str | None) -> RestConfig:
    if kubeconfig is None and not any(os.environ[name] for name in os.environ if name.upper() in PROXIES):
        if apiserver is not None and apiserver.startswith("http://"):
            return direct(apiserver)  # without a token, which must not be sent over an unencrypted connection
        if found := incluster.load(incluster.FOLDER):
            return replace(found, host=apiserver or found.host)
    # Only where there is a kubeconfig or a proxy: the kubernetes package takes 0.13 s and 20 MB.
    from ksm_shard.cluster import kubeconfig as package  # noqa: PLC0415

    return package.load(apiserver, kubeconfig)


@contextmanager
def _named(path: str, call: Call) -> Iterator[None]:
    """Turn failures within the block into Unavailable, or Cancelled.

    Cancelled is raised if the call was cancelled.
    """
    try:
        yield
    except (HTTPError, HTTPException, OSError) as error:
        if call.cancelled:
            raise Cancelled(path, "cancelled") from error
        raise Unavailable(path, _said(error)) from error


def _said(error: Exception) -> str:
    """Return a line about a failed request, in the words of the operating system where these say it."""
    system = next((one for one in (error, error.__cause__, *error.args) if isinstance(one, OSError)), None)
    if isinstance(system, RemoteDisconnected):
        return "the connection was closed without an answer"
    if system is not None and system.strerror and not isinstance(system, ssl.SSLError):
        # urllib3's own text has the connection as Python shows it.
        host = f"{error.conn.host}:{error.conn.port}: " if isinstance(error, NewConnectionError) else ""
        return f"{host}{system.strerror}"
    # The text in place of a status line may come from the body of another answer, and is not quoted.
    if isinstance(next(iter(error.args[1:]), error), BadStatusLine):
        return "expected a status line of HTTP, got something else"
    return " ".join(str(error).split()) or type(error).__name__


def _refusal(path: str, raw: urllib3.BaseHTTPResponse) -> RequestError:
    """Return the error for a refused request.

    Its message is that of the ApiStatus, or the text of a proxy in between. Other bodies are neither read nor quoted: below
    status 300, or cut short, the body may be the requested object, even a secret.
    """
    body, kind = b"", raw.headers.get("content-type", "").lower()
    if raw.status >= 300:
        with suppress(HTTPError, OSError):
            body = raw.read(MESSAGE)
    try:
        status = (ProtobufCodec() if "protobuf" in kind else JsonCodec()).status(body)
    except WireError:
        text = " ".join(body[:200].decode(errors="replace").split()) if kind.startswith("text/") else ""
        status = ApiStatus(raw.status, "", text)
    header = raw.headers.get("retry-after", "")
    # A header may hold a superscript, for which isdigit() is true; and Python converts no more than 4,300 digits.
    wait = int(header[:9]) if header.isdecimal() else status.retry_after
    return request_error(path, raw.status, status.message or status.reason or raw.reason or "", wait, status.causes)
