"""Counts of one resource since the start, kept by its reflector (`ksm_shard.cluster.reflector.Observer`).

Plain numbers that only the reflector's thread writes, and that pages and telemetry read: counting an event costs 0.2 us, where
a labelled metric of prometheus_client takes 1.
"""

import time
from collections import Counter
from collections.abc import Callable

from ksm_shard.status.states import ReflectorState


class Stats:
    """Counts of one resource.

    Attributes:
        state: of the reflector.
        last_event: when the last event came or a list ended, in seconds since 1970; None before.
        lists: lists that ended, by result: `success` or `error`. A list of an absent API counts as neither.
        watches: watches opened, `success`, or that could not be opened, `error`.
        watch_ends: open watches that ended: each is opened again.
        failures: lists and watches that failed, by kind of error. Those cancelled here, to stop or to list, have not failed.
        relists: lists that began, by reason.
        events: of watches, by type.
        received: bytes read from the API server.
        listed: bytes received while a list was running; with several namespaces, watch events of the others are included.
        wire_errors: objects skipped because they were unreadable.
        render_errors: objects at which a family raised, by family.
        duplicates: series that an object repeated, written once.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Start at zero; `clock` dates events, in seconds since 1970."""
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
        """Number of failures of any kind."""
        return self.failures.total() + self.wire_errors + self.render_errors.total()

    def on_list(self, result: str) -> None:
        """Count the end of a list: "ok", or the word for its error."""
        self._listing -= 1
        # The usual alert fires when one in a hundred lists of a resource failed; for a default resource that is not
        # installed, every list would count as failed.
        if result != "absent":
            self._count(self.lists, result)
        self._note(result)
        if result == "ok":
            self.last_event = self._clock()

    def on_watch(self, result: str) -> None:
        """Count a watch opened ("ok"), or the word for the error."""
        self._count(self.watches, result)
        self._note(result)

    def on_watch_end(self, result: str) -> None:
        """Count the end of an open watch: "ok", or its error's word."""
        self.watch_ends += 1
        self._note(result)

    def on_relist(self, reason: str) -> None:
        """Count the begin of a list; the first one is no relist."""
        self._listing += 1
        if reason != "start":
            self.relists[reason] += 1

    def on_event(self, kind: str) -> None:
        """Count a watch event by its type."""
        self.events[kind] += 1
        self.last_event = self._clock()

    def on_failed_item(self) -> None:
        """Count an object that was skipped."""
        self.wire_errors += 1

    def on_bytes(self, size: int) -> None:
        """Count `size` bytes of an answer."""
        self.received += size
        if self._listing > 0:
            self.listed += size

    def on_state(self, state: ReflectorState) -> None:
        """Note the state that the reflector has entered."""
        self.state = state

    def on_render_error(self, family: str) -> None:
        """Count an object at which a family raised."""
        self.render_errors[family] += 1

    def on_duplicates(self, count: int) -> None:
        """Count series that an object repeated."""
        self.duplicates += count

    @staticmethod
    def _count(results: Counter[str], result: str) -> None:
        if result != "cancelled":
            results["success" if result == "ok" else "error"] += 1

    def _note(self, result: str) -> None:
        if result not in {"ok", "cancelled"}:
            self.failures[result] += 1
