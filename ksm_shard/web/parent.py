"""The small parent of the one worker, which forwards signals and reports the worker's end.

signal                      parent                                  worker
--------------------------  --------------------------------------  ----------------------------------------------
SIGTERM                     forwards it, kills after `patience`     serves on for the drain period, then ends
SIGINT, SIGQUIT             forwards SIGQUIT, kills as above        ends at once
SIGSEGV and other faults    ends; the worker notices and ends       ends
all others                  ignores them                            ignores them

There is never a second worker: when the first ends, the process ends, and the kubelet sees that, reports it and backs off.
"""

import logging
import mmap
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

LOG: Final = logging.getLogger(__name__)
STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
# Sent by the kernel to a broken process. Ignoring these signals would not stop the kernel, and a user who sends one wants a core
# dump.
FAULTS: Final = frozenset(
    {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
)
# Exit statuses of a worker. It exits with CANNOT_START after it has logged the reason, and with NO_MEMORY when it cannot log, so
# that the parent does.
CANNOT_START: Final = 4
NO_MEMORY: Final = 5


@dataclass(frozen=True, slots=True)
class End:
    """The end of the worker.

    Attributes:
        code: exit status, or minus the number of the signal that killed the worker.
        told: the worker had been told to stop.
        overdue: the worker was killed here because it did not stop in time.
    """

    code: int
    told: bool = False
    overdue: bool = False


class Census:
    """Numbers that the worker tells the parent in shared memory: objects held, and seconds of the drain period."""

    LAYOUT: Final = struct.Struct("=Qd")

    def __init__(self, drain: float) -> None:
        """Begin without objects; to be made before the fork."""
        self._shared = mmap.mmap(-1, self.LAYOUT.size)
        self.write(0, drain)

    def write(self, objects: int, drain: float) -> None:
        """Replace both numbers."""
        self._shared[: self.LAYOUT.size] = self.LAYOUT.pack(objects, drain)

    def read(self) -> tuple[int, float]:
        """Return both numbers."""
        return self.LAYOUT.unpack(self._shared[: self.LAYOUT.size])


def ignore_the_rest() -> None:
    """Ignore all signals outside the table of this module.

    Ignored rather than handled, because a flood of ignored signals costs nothing.
    """
    meant = STOPPING | FAULTS | {signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP}
    for number in signal.valid_signals() - meant:
        signal.signal(number, signal.SIG_IGN)


def heed() -> None:
    """Unblock the stop signals, blocked since the fork.

    The worker calls this once its handlers are in place.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class Parent:
    """The parent process, from before the fork until the end of the worker."""

    def __init__(self) -> None:
        """Install the signal handlers, before the fork, so that no signal is lost."""
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
        """Fork a child that does the work and then exits.

        Stop signals are blocked in the child until `heed`.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        self._worker = os.fork()
        if not self._worker:
            signal.set_wakeup_fd(-1)
            os.close(self._reader)
            os.close(self._writer)
            _live(work)
        heed()

    def wait(self, patience: Callable[[], float]) -> End:
        """Wait for the end of the worker.

        Kill it if it takes more than `patience()` seconds after a stop signal.
        """
        while True:
            for number in self._signals():
                if number in STOPPING:
                    self._told = True
                    os.kill(self._worker, signal.SIGTERM if number == signal.SIGTERM else signal.SIGQUIT)
                    self._deadline = min(self._deadline, time.monotonic() + patience())
            code = self._reaped()
            if code is not None:
                return End(code, self._told, self._overdue)
            if time.monotonic() >= self._deadline:
                self._overdue, self._deadline = True, float("inf")
                os.kill(self._worker, signal.SIGKILL)

    def _signals(self) -> bytes:
        """Wait for signals or for the deadline; return the numbers of the signals."""
        left = self._deadline - time.monotonic()
        select.select([self._reader], [], [], None if left == float("inf") else max(0.0, left))
        try:
            return os.read(self._reader, 4096)
        except BlockingIOError:
            return b""

    def _reaped(self) -> int | None:
        """Return the exit status of the worker, or None while it runs.

        Reaps all children: as process 1 of a container this process is also the parent of all orphans.
        """
        while True:
            number, status = os.waitpid(-1, os.WNOHANG)
            if number in {0, self._worker}:
                return os.waitstatus_to_exitcode(status) if number else None


def _noted(number: int, frame: object) -> None:
    """Do nothing: the wake-up pipe receives the number of the signal."""


def _live(work: Callable[[], None]) -> NoReturn:
    """Do the work in the child and exit, whatever happens, without returning to the parent's code."""
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
