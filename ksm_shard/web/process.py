"""The worker as a process: its signals, and its reports to the parent."""

import os
import signal
import threading
import time
from typing import Any, Final

from ksm_shard.web.parent import NO_MEMORY, Census, heed, ignore_the_rest
from ksm_shard.web.source import Source
from ksm_shard.web.worker import Worker

# Seconds between two counts: a list of 20,000 objects takes three.
COUNT_EVERY: Final = 0.5


class Process(Worker):
    """gunicorn's worker, run without gunicorn's parent process."""

    def init_signals(self) -> None:
        """Handle the signals in the table of `parent`, and reset those that gunicorn handles otherwise."""
        super().init_signals()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        ignore_the_rest()
        heed()

    def notify(self) -> None:
        """Do nothing: the heartbeat is for gunicorn's parent, which kills late workers."""


def keep_census(source: Source, census: Census) -> None:
    """Start a thread that writes to `census` what the parent has to know of this process.

    The parent logs the number of objects if the kernel kills this process.
    """

    def count() -> None:
        while True:
            census.write(source.objects(), source.drain_period())
            time.sleep(COUNT_EVERY)

    threading.Thread(target=count, name="census", daemon=True).start()


def end_without_memory() -> None:
    """End the process when a thread runs out of memory, instead of continuing without that thread."""
    others = threading.excepthook

    def hook(args: Any) -> None:
        if issubclass(args.exc_type, MemoryError):
            os._exit(NO_MEMORY)
        others(args)

    threading.excepthook = hook
