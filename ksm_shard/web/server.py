"""gunicorn's worker around the two sites, as the only child of a small parent.

The parent only binds the ports and hands on signals: what is heavy, gunicorn too, is imported by the worker, after the fork.
"""

import gc
import logging
import math
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ksm_shard.web.parent import CANNOT_START, Census, End, Parent
from ksm_shard.web.source import Source

if TYPE_CHECKING:
    from ksm_shard.web.telemetry import Telemetry
    from ksm_shard.web.tokens import Reviewer
    from ksm_shard.web.webfile import WebFile

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

LOG: Final = logging.getLogger(__name__)
# Connections that wait to be taken, 60 us each: beyond it the kernel drops them, and a client tries again a second later.
BACKLOG: Final = 4096
# Seconds that the parent gives the worker beyond the drain period, before it kills.
MARGIN: Final = 10
# gunicorn makes an empty file for the heartbeat of its worker: where, in order of preference, as the root is often read-only.
SCRATCH: Final = ("/dev/shm", os.environ.get("TMPDIR", "/tmp"), "/var/tmp")  # noqa: S108


class CannotListen(OSError):
    """An address that cannot be listened on; the message says which, and why."""


class CannotStart(Exception):
    """A setting that cannot be obeyed here; the message is one line that says why."""


@dataclass(frozen=True)
class Limits:
    """Seconds, under kube-state-metrics' names for them; 0 is no limit there, as in Go's http.Server.

    Attributes:
        read: for a whole request, of which the header is all that is read; also between two requests if `idle` is 0.
        read_header: for the first byte of a connection, and from there to the end of the header.
        write: for the whole answer, from the end of the header.
        idle: between the requests of one connection.
        drain: served on after SIGTERM, no longer ready; a source may change it.
    """

    read: float = 60.0
    read_header: float = 5.0
    write: float = 60.0
    idle: float = 300.0
    drain: float = 0.0

    @property
    def header_deadline(self) -> float:
        """Seconds for a request's header: the shorter of the two that bound it."""
        return min(self.read or math.inf, self.read_header or math.inf)

    @property
    def write_deadline(self) -> float:
        """Seconds for an answer."""
        return self.write or math.inf

    @property
    def idle_deadline(self) -> float:
        """Seconds between two requests of a connection."""
        return self.idle or self.read or math.inf


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
        raise CannotListen(f"cannot listen on {host} port {port}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    """Return the words of the operating system alone: create_server adds the address to them."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def serve(
    main: socket.socket,
    telemetry: socket.socket,
    start: Callable[[], Source],
    *,
    limits: Limits,
    gzip: bool,
    web_config: str = "",
    reviewer: "Callable[[Any], Reviewer] | None" = None,
    started: Callable[[str], object] = str,
) -> tuple[End, int]:
    """Serve until a signal ends it: SIGTERM after the drain period, SIGINT at once.

    Return how the worker ended, and how many objects it held a moment before.

    Args:
        main: bound socket of the main port, from `listen`.
        telemetry: bound socket of the telemetry port.
        start: makes the source and starts its threads; called in the worker, after the fork. Its `close` is called at the end.
            What it raises as CannotStart ends the worker with CANNOT_START, once that was said.
        limits: on requests, and on the stop.
        gzip: whether to compress scrapes for clients that accept it.
        web_config: path of the web configuration file, for TLS and passwords on both ports; "" for none.
        reviewer: makes, of the source, who knows what bearer tokens may see; None if they are not asked for.
        started: called in the worker with the scheme of both ports, once nothing is left that could be wrong with what it was told.
    """
    census = Census(limits.drain)
    parent = Parent()
    gc.collect()
    gc.freeze()  # keeps the collector from writing to the pages that both processes share
    work = _Server(main, telemetry, start, limits, gzip, web_config, reviewer, started, census).run
    parent.fork(work)
    main.close()
    telemetry.close()
    end = parent.wait(lambda: math.floor(census.read()[1]) + MARGIN)
    return end, census.read()[0]


def scratch(folders: Sequence[str] = SCRATCH) -> str:
    """Return the first of the folders that a file can be made in.

    Raises:
        CannotStart: there is none.
    """
    problems = []
    for folder in folders:
        try:
            with tempfile.NamedTemporaryFile(dir=folder):
                return folder
        except OSError as error:
            problems.append(f"{folder}: {error.strerror or error}")
    raise CannotStart(f"no file can be made in any of {'; '.join(problems)}; mount an emptyDir at one of them")


class _Server:
    """The work of the worker: an application to gunicorn, as far as its worker knows one."""

    def __init__(
        self,
        main: socket.socket,
        telemetry: socket.socket,
        start: Callable[[], Source],
        limits: Limits,
        gzip: bool,
        web_config: str,
        reviewer: "Callable[[Any], Reviewer] | None",
        started: Callable[[str], object],
        census: Census,
    ) -> None:
        self._main_address = main.getsockname()[:2]
        self._telemetry_port = telemetry.getsockname()[1]
        self._sockets = [main, telemetry]
        self._start, self._limits, self._gzip = start, limits, gzip
        self._web_config, self._reviewer = web_config, reviewer
        self._started, self._census = started, census
        self._web: WebFile | None = None
        self._source: Source | None = None

    def run(self) -> None:
        """Serve, in the worker, until told to stop."""
        from gunicorn.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415  after the fork, as all below

        from ksm_shard.web.process import Process, end_without_memory  # noqa: PLC0415
        from ksm_shard.web.worker import Worker  # noqa: PLC0415

        limits = self._limits
        Worker.header_timeout, Worker.write_timeout = limits.header_deadline, limits.write_deadline
        Worker.idle_timeout, Worker.drain_period = limits.idle_deadline, staticmethod(lambda: limits.drain)
        end_without_memory()
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by the connections
            one.setblocking(False)
            one.listen(BACKLOG)
        try:
            self._web = self._read_web_config()
            config = Config()
            for name, value in self._settings().items():
                config.set(name, value)
            log = config.logger_class(config)
            Process(1, os.getppid(), self._sockets, self, 0, config, log).init_process()
        except CannotStart as error:
            sys.stderr.write(f"ksm-shard: {error}\n")
            raise SystemExit(CANNOT_START) from None
        finally:
            if self._source is not None:
                self._source.close()

    def _read_web_config(self) -> "WebFile | None":
        if not self._web_config:
            return None
        from ksm_shard.web.nodes import BadConfig  # noqa: PLC0415  with YAML and TLS 15 ms, only where there is a file
        from ksm_shard.web.webfile import WebFile  # noqa: PLC0415

        try:
            return WebFile(self._web_config)
        except BadConfig as error:
            raise CannotStart(f"--tls-config: {error}") from None

    def _settings(self) -> dict[str, Any]:
        """Return what gunicorn's worker is to do; gunicorn's own command line, environment and files are not read."""
        return {
            "keepalive": 1,  # on: for how long is `Worker.idle_timeout`
            # Nobody may say by a header which path was asked for: a proxy in the pod passes on what its clients send.
            "forwarded_allow_ips": "",
            "graceful_timeout": int(self._limits.drain) + MARGIN,
            "worker_tmp_dir": scratch(),
            "loglevel": "warning",
        }

    def wsgi(self) -> Application:
        """Start the source, and return the application that answers for it."""
        from ksm_shard.web.process import keep_census  # noqa: PLC0415
        from ksm_shard.web.telemetry import Telemetry  # noqa: PLC0415
        from ksm_shard.web.worker import Worker  # noqa: PLC0415

        self._source = source = self._start()
        keep_census(source, self._census)
        Worker.drain_period = staticmethod(source.drain_period)
        metrics = Telemetry(source, self._web)
        Worker.invalid, Worker.dropped = metrics.invalid, metrics.dropped
        both = self._sites(source, metrics)
        secure = self._web is not None and self._web.secure
        if self._web is not None and secure:
            from ksm_shard.web.tls import TlsConnection  # noqa: PLC0415  only for TLS, as above

            Worker.connect = staticmethod(partial(TlsConnection, tls=self._web.tls))  # or 3.14 would bind it
        if self._reviewer is not None and not secure:
            LOG.warning("--auth-filter: without tls_server_config in --tls-config tokens cross the network in the open")
        served = self._asked(both, source, metrics)
        self._started("https" if secure else "http")
        return served

    def _sites(self, source: "Source", metrics: "Telemetry") -> Application:
        """Return both sites as one: the address that was asked decides."""
        from ksm_shard.web.app import main_app, telemetry_app  # noqa: PLC0415
        from ksm_shard.web.limits import SCRAPES  # noqa: PLC0415
        from ksm_shard.web.unread import Unread  # noqa: PLC0415
        from ksm_shard.web.worker import Worker  # noqa: PLC0415

        host, port = self._main_address
        unread = Unread(source.retired, metrics.dropped, time.monotonic)
        Worker.look = unread.look

        def draining() -> bool:
            return Worker.draining

        def asks_all() -> bool:
            return self._web is not None and self._web.asks_all

        site = main_app(
            source, metrics, unread,
            gzip=self._gzip, scrapes=SCRAPES, telemetry_port=self._telemetry_port, draining=draining,
            by_right=self._reviewer is not None, asks_all=asks_all,
        )  # fmt: skip
        other = telemetry_app(
            source, metrics,
            main_port=port, draining=draining, by_right=self._reviewer is not None, asks_all=asks_all,
        )  # fmt: skip

        def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            asked = environ["SERVER_PORT"] == str(port) and environ["SERVER_NAME"] == host
            return (site if asked else other)(environ, start_response)

        return dispatch

    def _asked(self, application: Application, source: "Source", metrics: "Telemetry") -> Application:
        """Return an application that answers whom the web configuration and the auth filter let in."""
        from ksm_shard.web.access import Gate, guarded  # noqa: PLC0415
        from ksm_shard.web.tokens import TokenFilter  # noqa: PLC0415
        from ksm_shard.web.worker import Worker  # noqa: PLC0415

        web = self._web
        tokens = [TokenFilter(self._reviewer(source), time.monotonic)] if self._reviewer is not None else []
        if web is None and not tokens:
            return application
        Worker.gate = Gate(lambda: [*(web.now().guards if web is not None else ()), *tokens], metrics.denied)
        served = guarded(application)
        return _with_headers(served, web) if web is not None else served


def _with_headers(application: Application, web: "WebFile") -> Application:
    """Return an application that adds the headers of the web configuration where it sets none of that name itself."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            there = {name.lower() for name, _ in headers}
            added = [item for item in web.in_force.config.headers.items() if item[0].lower() not in there]
            return start_response(status, [*headers, *added], *more)

        return application(environ, start)

    return answer
