"""An API server that answers with bytes made beforehand: a list of pods, and a watch of changes at a rate.

A real one, its etcd and the writer need more than two cores for 1,000 changes a second, and scrapes would wait for them.
"""

import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Final

from bench.streams import Object, restarted
from ksm_shard.simulator.errors import ApiError
from ksm_shard.simulator.formats import PROTOBUF, Protobuf
from ksm_shard.simulator.objects import Stored

PODS: Final = Protobuf("v1", "Pod", "k8s.io.api.core.v1.Pod")
# Every event has a version of its own, in as many digits as this one, in whose place it is written.
VERSION: Final = 9_000_000
# Seconds between two looks at which events are due.
TICK: Final = 0.005


@contextmanager
def recorded(pods: Sequence[Object], changed: int, rate: float) -> Iterator[str]:
    """Serve pods in a process of its own, of which the first ones change, so many a second; yield the URL."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(pods, changed, rate, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pods: Sequence[Object], changed: int, rate: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        objects = [_stored(pod, number) for number, pod in enumerate(pods, 1)]
        self.pods = PODS.many(objects, {"resourceVersion": str(len(pods))})
        self.states = [_states(pod) for pod in pods[:changed]]
        self.rate = rate

    def event(self, number: int) -> bytes:
        """Return the frame of an event, with a version of its own."""
        frame = self.states[number % len(self.states)][number // len(self.states) % 2]
        return frame.replace(b"%d" % VERSION, b"%d" % (VERSION + 1 + number), 1)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(OSError):  # the exporter has gone
            super().handle()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/version":  # which kube-state-metrics asks for before all else
            self._answer(200, "application/json", b'{"major":"1","minor":"36","gitVersion":"v1.36.0"}')
        elif path != "/api/v1/pods":
            self._answer(404, "application/json", _failed(404, "NotFound"))
        elif "sendInitialEvents" in query:  # as a server without WatchList: exporters ask for pages then
            self._answer(422, "application/json", _failed(422, "Invalid"))
        elif "watch=" in query:
            self._watch()
        else:
            self._answer(200, PROTOBUF, self.server.pods)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{PROTOBUF};stream=watch")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        began, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * self.server.rate)
            for frame in map(self.server.event, range(sent, due)):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
            sent = due
            time.sleep(TICK)


def _serve(pods: Sequence[Object], changed: int, rate: float, there: Connection) -> None:
    with _Server(pods, changed, rate) as server:
        there.send(server.server_port)
        server.serve_forever()


def _failed(code: int, reason: str) -> bytes:
    return json.dumps(ApiError(code, reason, reason).status).encode()


def _stored(pod: Object, version: int) -> Stored:
    return Stored({**pod, "metadata": {**pod["metadata"], "resourceVersion": str(version)}}, version)


def _states(pod: Object) -> list[bytes]:
    """Return the frames of two changes of a pod, of which either undoes the other."""
    changed = restarted(pod, 1, ready=False), restarted(pod, 2, ready=True)
    return [PODS.event("MODIFIED", _stored(one, VERSION)) for one in changed]
