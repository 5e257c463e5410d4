"""The main command: bind the ports, fork the worker, export until told to stop.

This runs in gunicorn's parent, which stays small: what is heavy is imported by the worker.
"""

import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ksm_shard.settings.run import Settings
from ksm_shard.web.server import CannotListen, Limits, listen, serve
from ksm_shard.web.source import ConfigFile

if TYPE_CHECKING:
    from ksm_shard.exporter import Exporter

LOG: Final = logging.getLogger(__name__)
USAGE: Final = 2
# gunicorn's parent takes this exit status of a worker for a reason to end instead of trying again.
CANNOT_START: Final = 4


def run(settings: Settings) -> int:
    """Export until told to stop; return the exit status, 2 when the ports or the way to the API server are wrong."""
    logging.basicConfig(
        level=logging.DEBUG if settings.verbosity >= 4 else logging.INFO,
        format="%(asctime)s %(levelname)s %(threadName)s: %(message)s",
    )
    try:
        main = listen(settings.host, settings.port)
        telemetry = listen(settings.telemetry_host, settings.telemetry_port)
    except CannotListen as error:
        sys.stderr.write(f"ksm-shard: {error}\n")
        return USAGE
    for name, bound in (("metrics", main), ("telemetry", telemetry)):
        host, port = bound.getsockname()[:2]
        LOG.info("%s on http://%s:%d", name, f"[{host}]" if ":" in host else host, port)

    # Here, as a worker that is made anew has the settings that were read at the start.
    config = ConfigFile(settings.config, Path(settings.config).read_bytes(), time.time()) if settings.config else None

    def start() -> "Exporter":
        from ksm_shard import assembly  # noqa: PLC0415  in the worker only
        from ksm_shard.cluster.errors import ConfigurationError  # noqa: PLC0415

        try:
            return assembly.start(settings, config)
        except ConfigurationError as error:
            sys.stderr.write(f"ksm-shard: {error}\n")
            raise SystemExit(CANNOT_START) from None

    limits = Limits(
        read_header=settings.server_read_header_timeout,
        write=settings.server_write_timeout,
        idle=settings.server_idle_timeout,
        drain=settings.drain_period if settings.pod else 0.0,
    )
    parent = os.getpid()
    try:
        serve(main, telemetry, start, limits=limits, gzip=settings.enable_gzip_encoding)
    except SystemExit as end:
        if os.getpid() != parent:
            raise  # the worker, forked in there: its parent has to see the status as it is
        return USAGE if end.code == CANNOT_START else int(end.code or 0)
    return 0
