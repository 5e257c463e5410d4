"""The real gunicorn server in a process of its own (serve_fake.py), and a plain client for it."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
# How long anything may take: far more than it does, so that only a hang runs into it.
PATIENCE = 20.0


@dataclass(frozen=True)
class Answer:
    """One answer, whole. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Server:
    """A running server. `main` and `telemetry` are its ports; `context` is for one that speaks TLS."""

    process: subprocess.Popen[str]
    main: int
    telemetry: int
    host: str = "127.0.0.1"
    context: ssl.SSLContext | None = None

    def get(self, path: str, method: str = "GET", port: int = 0, **headers: str) -> Answer:
        """Ask on the main port, or on another; `accept_encoding="gzip"` is a header."""
        at = port or self.main
        connection = (
            http.client.HTTPSConnection(self.host, at, timeout=PATIENCE, context=self.context)
            if self.context
            else http.client.HTTPConnection(self.host, at, timeout=PATIENCE)
        )
        try:
            # skip_accept_encoding: http.client would say identity.
            connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def connect(self, received: int = 0, port: int = 0) -> socket.socket:
        """A bare connection to the main port, or another; `received` is the size of its receive buffer."""
        sock = socket.socket()
        if received:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
        sock.settimeout(PATIENCE)
        sock.connect((self.host, port or self.main))
        return sock

    def line(self) -> str:
        """Return the next line that the process prints."""
        return _out(self.process).readline().strip()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, and return its exit status."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(*switches: str, host: str = "127.0.0.1") -> Iterator[Server]:
    """Serve with the switches of serve_fake.py, and end whatever is left of it."""
    command = [sys.executable, "-m", "tests.web.serve_fake", f"--host={host}", *switches]
    # A session of its own: gunicorn's worker is to be ended too if the parent has to be killed.
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            main, telemetry = map(int, _out(process).readline().split())
            server = Server(process, main, telemetry, host)
            server.get("/livez")  # The ports are open before the worker is there: a signal would find neither.
            yield server
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
