"""The small parent of the one worker: hands on the signals that mean something, and tells how the worker ended.

signal                      parent                                  worker
--------------------------  --------------------------------------  ----------------------------------------------
SIGTERM                     hands it on, kills when that takes long  serves on for the drain period, then ends
SIGINT, SIGQUIT             hands SIGQUIT on, kills as above         ends at once
SIGSEGV and other faults    ends; the worker sees that and ends     ends
all others                  nothing                                 nothing

There is never a second worker: the end of the first is the end of the process, which the kubelet sees, shows and backs off from.
"""

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

LOG: Final = logging.getLogger(__name__)
STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
# The kernel's word for a broken process. It does not ask whether they are ignored, but somebody who sends one wants a core dump.
FAULTS: Final = frozenset(
    {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
)
# Exit statuses of a worker that has said itself why, or that nobody else can say it for.
CANNOT_START: Final = 4
NO_MEMORY: Final = 5


@dataclass(frozen=True, slots=True)
class End:
    """How the worker ended.

    Attributes:
        code: its exit status, or minus the signal that killed it.
        told: whether it had been told to stop.
        overdue: whether it was killed here, as it did not stop in time.
    """

    code: int
    told: bool = False
    overdue: bool = False


def ignore_the_rest() -> None:
    """Let no signal do anything but those of the module's table. Handlers would not do: a flood of signals is free this way."""
    meant = STOPPING | FAULTS | {signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP}
    for number in signal.valid_signals() - meant:
        signal.signal(number, signal.SIG_IGN)


def heed() -> None:
    """Let the signals through that were held back since the fork; called by the worker once it has handlers for them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class Parent:
    """This process, from before the fork until the worker's end."""

    def __init__(self) -> None:
        """Take the signals over, before the fork, so that none is lost."""
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        for number in (*STOPPING, signal.SIGCHLD):
            signal.signal(number, _noted)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        ignore_the_rest()
        self._worker = 0
        self._told = self._overdue = False
        self._deadline = float("inf")

    def fork(self, work: Callable[[], None]) -> None:
        """Have a child do the work, and end with it. What stops is held back there until `heed`."""
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        self._worker = os.fork()
        if not self._worker:
            signal.set_wakeup_fd(-1)
            os.close(self._reader)
            os.close(self._writer)
            _live(work)
        heed()

    def wait(self, patience: float) -> End:
        """Wait for the end of the worker, which may take so many seconds once it was told to stop."""
        while True:
            for number in self._signals():
                if number in STOPPING:
                    self._told = True
                    os.kill(self._worker, signal.SIGTERM if number == signal.SIGTERM else signal.SIGQUIT)
                    self._deadline = min(self._deadline, time.monotonic() + patience)
            code = self._reaped()
            if code is not None:
                return End(code, self._told, self._overdue)
            if time.monotonic() >= self._deadline:
                self._overdue, self._deadline = True, float("inf")
                os.kill(self._worker, signal.SIGKILL)

    def _signals(self) -> bytes:
        """Wait for signals, or for the deadline; return their numbers."""
        left = self._deadline - time.monotonic()
        select.select([self._reader], [], [], None if left == float("inf") else max(0.0, left))
        try:
            return os.read(self._reader, 4096)
        except BlockingIOError:
            return b""

    def _reaped(self) -> int | None:
        """Return how the worker ended, if it did. As process 1 of a container we are the parent of all orphans there too."""
        while True:
            number, status = os.waitpid(-1, os.WNOHANG)
            if number in {0, self._worker}:
                return os.waitstatus_to_exitcode(status) if number else None


def _noted(number: int, frame: object) -> None:
    """Leave it to the wake-up pipe, which has the number."""


def _live(work: Callable[[], None]) -> NoReturn:
    """Do the work of the child, whatever comes of it, and never return to what the parent was doing."""
    status = 1
    try:
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except MemoryError:
        status = NO_MEMORY
    except BaseException:
        LOG.exception("the worker cannot go on")
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
