"""gunicorn around the two sites: a small parent, and one worker that does everything.

The parent only binds the ports and hands on signals: what is heavy is imported by the worker, after the fork.
"""

import gc
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from ksm_shard.web.source import Source

# Connections that wait to be taken, 60 us each: beyond it the kernel drops them, and a client tries again a second later.
BACKLOG: Final = 4096
# Seconds that the parent gives the worker beyond the drain period, before it kills.
MARGIN: Final = 10


class CannotListen(OSError):
    """An address that cannot be listened on; the message says which, and why."""


@dataclass(frozen=True)
class Limits:
    """Seconds, under kube-state-metrics' names for them.

    Attributes:
        read_header: for the first byte of a connection, and from there to the end of the header.
        write: for the whole answer, from the end of the header.
        idle: between the requests of one connection.
        drain: served on after SIGTERM, no longer ready.
    """

    read_header: float = 5.0
    write: float = 60.0
    idle: float = 300.0
    drain: float = 0.0


def listen(host: str, port: int) -> socket.socket:
    """Bind a TCP port; 0 lets the system choose. `::` means every address, IPv4 too, and IPv4 alone where IPv6 is off.

    Raises CannotListen when that cannot be.
    """
    try:
        if host == "::" and not socket.has_dualstack_ipv6():
            host = "0.0.0.0"  # noqa: S104  # what `::` stands for
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::")
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


def serve(
    main: socket.socket, telemetry: socket.socket, start: Callable[[], Source], *, limits: Limits, gzip: bool
) -> None:
    """Serve until a signal ends it: SIGTERM after the drain period, SIGINT at once. Never returns: raises SystemExit.

    Args:
        main: bound socket of the main port, from `listen`.
        telemetry: bound socket of the telemetry port.
        start: makes the source and starts its threads; called in the worker, after the fork. Its `close` is called at the end.
        limits: on requests, and on the stop.
        gzip: whether to compress scrapes for clients that accept it.
    """
    _Server(main, telemetry, start, limits, gzip).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(
        self, main: socket.socket, telemetry: socket.socket, start: Callable[[], Source], limits: Limits, gzip: bool
    ) -> None:
        self._main_address = main.getsockname()[:2]
        self._telemetry_port = telemetry.getsockname()[1]
        self._fds = [main.detach(), telemetry.detach()]
        self._start, self._limits, self._gzip = start, limits, gzip
        self._source: Source | None = None
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is to do; its own command line, environment and files are not read."""
        from ksm_shard.web.worker import Worker  # noqa: PLC0415  after the fork, as all below

        limits = self._limits
        Worker.header_timeout, Worker.write_timeout = limits.read_header, limits.write
        Worker.idle_timeout, Worker.drain_period = limits.idle, limits.drain
        settings = {
            "bind": [f"fd://{fd}" for fd in self._fds],
            "workers": 1,
            "worker_class": Worker,
            "keepalive": int(limits.idle),
            "graceful_timeout": int(limits.drain) + MARGIN,
            # A worker that hangs does not answer /livez: the kubelet restarts it, and says so, where the parent would be silent.
            "timeout": 0,
            # The heartbeat's file: the root is read-only in the StatefulSet.
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108
            "control_socket_disable": True,
            # Nobody may say by a header which path was asked for: a proxy in the pod passes on what its clients send.
            "forwarded_allow_ips": "",
            "loglevel": "warning",
            "pre_fork": _freeze,
            "worker_exit": self._close,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        """Start the source, in the worker, and return both sites as one: the address that was asked decides."""
        from ksm_shard.web.app import main_app, telemetry_app  # noqa: PLC0415
        from ksm_shard.web.limits import SCRAPES  # noqa: PLC0415
        from ksm_shard.web.telemetry import Telemetry  # noqa: PLC0415
        from ksm_shard.web.unread import Unread  # noqa: PLC0415
        from ksm_shard.web.worker import Worker  # noqa: PLC0415

        self._source = source = self._start()
        metrics = Telemetry(source)
        unread = Unread(source.retired, metrics.dropped, time.monotonic)
        Worker.invalid, Worker.dropped, Worker.look = metrics.invalid, metrics.dropped, unread.look

        def draining() -> bool:
            return Worker.draining

        site = main_app(
            source, metrics, unread,
            gzip=self._gzip, scrapes=SCRAPES, telemetry_port=self._telemetry_port, draining=draining,
        )  # fmt: skip
        other = telemetry_app(source, metrics, draining=draining)
        host, port = self._main_address[0], str(self._main_address[1])

        def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            asked = environ["SERVER_PORT"] == port and environ["SERVER_NAME"] == host
            return (site if asked else other)(environ, start_response)

        return dispatch

    def _close(self, arbiter: Any, worker: Any) -> None:
        del arbiter, worker
        if self._source is not None:
            self._source.close()


def _freeze(arbiter: Any, worker: Any) -> None:
    """Keep the collector from writing to the pages that both processes share."""
    del arbiter, worker
    gc.collect()
    gc.freeze()
