"""Counts of one resource since the start, as its reflector tells them (`ksm_shard.cluster.reflector.Observer`).

Plain numbers that only the thread of the reflector writes, and that pages and telemetry read: counting an event costs
0.2 us, where a labelled metric of prometheus_client takes 1.
"""

import time
from collections import Counter
from collections.abc import Callable

from ksm_shard.status.states import ReflectorState


class Stats:
    """What has happened to one resource.

    Attributes:
        state: of the reflector.
        last_event: when the last event came or a list ended, in seconds since 1970; None before.
        lists: how many ended, by result: `success` or `error`. A list of an API that is absent is neither.
        watches: how many were opened, `success`, or could not be, `error`.
        watch_ends: how many that were open have ended: each is opened again.
        failures: lists and watches that failed, by kind of error. What we cancel ourselves, to stop or to list, has not failed.
        relists: lists that began, by reason.
        events: of watches, by type.
        received: bytes read from the API server.
        listed: those of them that came between the beginning and the end of a list; where several namespaces are followed, events
            of one that came meanwhile are among them.
        wire_errors: objects that were passed over, as they could not be read.
        render_errors: objects that a family raised at, by family.
        duplicates: series that an object repeated, written once.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Begin at zero; `clock` says when an event came."""
        self._clock = clock
        self.state = ReflectorState.STARTING
        self.last_event: float | None = None
        self.lists = Counter(success=0, error=0)
        self.watches = Counter(success=0, error=0)
        self.watch_ends = 0
        self.failures = Counter[str]()
        self.relists = Counter[str]()
        self.events = Counter[str]()
        self.received = 0
        self.listed = 0
        self._listing = 0
        self.wire_errors = 0
        self.render_errors = Counter[str]()
        self.duplicates = 0

    @property
    def watch_restarts(self) -> int:
        """Watches that ended, or could not be opened: each is tried again."""
        return self.watch_ends + self.watches["error"]

    @property
    def errors(self) -> int:
        """Everything that went wrong."""
        return self.failures.total() + self.wire_errors + self.render_errors.total()

    def on_list(self, result: str) -> None:
        """A list ended: "ok", or what went wrong."""
        self._listing -= 1
        # The usual alert fires when one in a hundred lists of a resource failed: of one that is on by default and not
        # installed, every one would have.
        if result != "absent":
            self._count(self.lists, result)
        self._note(result)
        if result == "ok":
            self.last_event = self._clock()

    def on_watch(self, result: str) -> None:
        """A watch was opened: "ok"; or what went wrong."""
        self._count(self.watches, result)
        self._note(result)

    def on_watch_end(self, result: str) -> None:
        """A watch that was open ended: "ok", or what went wrong."""
        self.watch_ends += 1
        self._note(result)

    def on_relist(self, reason: str) -> None:
        """A list begins; that of the start is no relist."""
        self._listing += 1
        if reason != "start":
            self.relists[reason] += 1

    def on_event(self, kind: str) -> None:
        """A watch event of that type came."""
        self.events[kind] += 1
        self.last_event = self._clock()

    def on_failed_item(self) -> None:
        """An object was passed over."""
        self.wire_errors += 1

    def on_bytes(self, size: int) -> None:
        """That many bytes came."""
        self.received += size
        if self._listing > 0:
            self.listed += size

    def on_state(self, state: ReflectorState) -> None:
        """The reflector's state is another now."""
        self.state = state

    def on_render_error(self, family: str) -> None:
        """A family raised at an object."""
        self.render_errors[family] += 1

    def on_duplicates(self, count: int) -> None:
        """An object repeated that many series."""
        self.duplicates += count

    @staticmethod
    def _count(results: Counter[str], result: str) -> None:
        if result != "cancelled":
            results["success" if result == "ok" else "error"] += 1

    def _note(self, result: str) -> None:
        if result not in {"ok", "cancelled"}:
            self.failures[result] += 1
