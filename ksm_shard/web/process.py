"""The worker as a process: which signals it takes, and what its parent learns of it."""

import os
import signal
import sys
import threading
import time
from mmap import mmap
from typing import Any, Final

from ksm_shard.web.parent import NO_MEMORY, heed, ignore_the_rest
from ksm_shard.web.source import Source
from ksm_shard.web.worker import Worker

# Seconds between two counts: a list of 20,000 objects takes three.
COUNT_EVERY: Final = 0.5


class Process(Worker):
    """gunicorn's worker without gunicorn's parent."""

    def init_signals(self) -> None:
        """Take the signals of the table in `parent`, and undo what gunicorn means by others."""
        super().init_signals()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        ignore_the_rest()
        heed()

    def notify(self) -> None:
        """Do nothing: gunicorn's heartbeat is for a parent that kills who is late with it."""


def count_objects(source: Source, census: mmap) -> None:
    """Keep the parent informed of how many objects are held, for its last words if this process is killed."""

    def count() -> None:
        while True:
            census[:8] = source.objects().to_bytes(8, sys.byteorder)
            time.sleep(COUNT_EVERY)

    threading.Thread(target=count, name="census", daemon=True).start()


def end_without_memory() -> None:
    """Let the process end once a thread has none left, instead of going on without that thread."""
    others = threading.excepthook

    def hook(args: Any) -> None:
        if issubclass(args.exc_type, MemoryError):
            os._exit(NO_MEMORY)
        others(args)

    threading.excepthook = hook
