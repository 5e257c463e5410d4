"""`ksm-shard` without a command: bind the ports, fork the worker, export until stopped.

This code runs in the parent, which stays small: heavy modules are imported by the worker.
"""

import logging
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

from ksm_shard.settings.live import Parse, drain_of, level_of
from ksm_shard.settings.run import Settings
from ksm_shard.web import memory
from ksm_shard.web.parent import CANNOT_START, NO_MEMORY, End
from ksm_shard.web.server import CannotListen, CannotStart, Limits, listen, serve

if TYPE_CHECKING:
    from ksm_shard.cluster.reviews import AccessReviews
    from ksm_shard.exporter import Exporter

LOG: Final = logging.getLogger(__name__)
USAGE: Final = 2
# Added to the number of a signal, as a shell does for a killed process and the kubelet for a container.
KILLED: Final = 128


def run(settings: Settings, parse: Parse) -> int:
    """Export until stopped; return the exit status.

    The status is 2 for a mistake in the ports or in the way to the API server. `parse` returns the settings with other contents of
    the file of --config.
    """
    logging.basicConfig(
        level=level_of(settings),
        format="%(asctime)s %(levelname)s %(threadName)s: %(message)s",
    )
    try:
        main = listen(settings.host, settings.port)
        telemetry = listen(settings.telemetry_host, settings.telemetry_port)
    except CannotListen as error:
        sys.stderr.write(f"ksm-shard: {error}\n")
        return USAGE

    def reviews(source: "Exporter") -> "AccessReviews":
        from ksm_shard import assembly  # noqa: PLC0415  in the worker only

        return assembly.reviews(source)

    def start() -> "Exporter":
        from ksm_shard import assembly  # noqa: PLC0415  in the worker only
        from ksm_shard.cluster.errors import ConfigurationError  # noqa: PLC0415
        from ksm_shard.web.nodes import BadConfig  # noqa: PLC0415

        try:
            return assembly.start(settings, parse)
        except (ConfigurationError, BadConfig) as error:
            raise CannotStart("\nksm-shard: ".join(str(error).splitlines())) from error

    killed = memory.kills()
    end, objects = serve(
        main,
        telemetry,
        start,
        limits=limits_of(settings),
        gzip=settings.enable_gzip_encoding,
        web_config=settings.tls_config,
        reviewer=reviews if settings.auth_filter else None,
        started=lambda scheme: _announce(scheme, main, telemetry),
    )
    line = last_words(end, objects, for_memory=memory.kills() > killed, limit=memory.limit())
    if line:
        sys.stderr.write(f"ksm-shard: {line}\n")
    return status_of(end)


def limits_of(settings: Settings) -> Limits:
    """Return the time limits of requests and of the stop."""
    return Limits(
        read=settings.server_read_timeout,
        read_header=settings.server_read_header_timeout,
        write=settings.server_write_timeout,
        idle=settings.server_idle_timeout,
        drain=drain_of(settings),
    )


def last_words(end: End, objects: int, *, for_memory: bool, limit: int | None) -> str:
    """Return the line that explains the end of the worker.

    The line is "" if the worker stopped as told, or has explained its end.

    Args:
        end: of the worker.
        objects: number of objects it held.
        for_memory: whether the kernel has killed a process of this control group for memory.
        limit: of the control group's memory in bytes; None without a limit.
    """
    if end.code == CANNOT_START or (end.told and end.code == 0):
        return ""
    if end.overdue:
        return "the worker had not stopped in time and was killed"
    if end.code == -signal.SIGKILL:
        at = f" at the limit of {_size(limit)}" if limit else ""
        how = f"for memory (SIGKILL){at}" if for_memory else "by SIGKILL, which nobody has said the reason of"
        return f"the worker was killed {how}; {_needed(objects)}"
    if end.code == NO_MEMORY:
        return f"the worker ended, as it was refused memory; {_needed(objects)}"
    if end.code < 0:
        return f"the worker was killed by {signal_name(-end.code)}"
    return f"the worker ended by itself, with status {end.code}"


def status_of(end: End) -> int:
    """Return the exit status; 0 only for a process that stopped as told."""
    if end.code == CANNOT_START:
        return USAGE
    if end.code < 0:
        return KILLED - end.code
    if end.code == 0:
        return 0 if end.told else 1
    return end.code


def signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal between the first and the last
        return f"signal {number}"


def _announce(scheme: str, *ports: socket.socket) -> None:
    for name, bound in zip(("metrics", "telemetry"), ports, strict=True):
        host, port = bound.getsockname()[:2]
        LOG.info("%s on %s://%s:%d", name, scheme, f"[{host}]" if ":" in host else host, port)


def _needed(objects: int) -> str:
    """Return the memory that a process with so many objects needs, as text.

    The worker may have died in the middle of a list, with more objects to come.
    """
    from ksm_shard.commands.plan import LOADING, memory_of  # noqa: PLC0415  only now: the parent stays small

    need = memory_of(objects)
    planned = f"`ksm-shard plan` has {_size(need)} of memory, and {_size(LOADING * need)} while they load"
    return f"it held {objects} objects, for which {planned}"


def _size(count: float) -> str:
    from ksm_shard.web.page import size  # noqa: PLC0415

    return size(round(count))
