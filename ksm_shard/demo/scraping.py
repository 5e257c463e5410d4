"""Scrapes as a Prometheus makes them, each target at its own time."""

import gzip
import queue
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Final

from ksm_shard.simulator.prometheus import Head, ScrapeTarget

# How often pods are looked for.
DISCOVERY: Final = 0.2
HEADERS: Final = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip", "User-Agent": "ksm-shard-demo"}


class ScrapeManager:
    """Discovers targets, and scrapes each in a thread of its own.

    Attributes:
        failed: pods whose series get markers, as a scrape failed.
    """

    def __init__(self, interval: float, discover: Callable[[], Mapping[tuple[str, str], str]]) -> None:
        """Scrape the targets that `discover` returns.

        These are pod and uid -> URL: a pod that is made again is another target.
        """
        self.failed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._interval = interval
        self._discover = discover
        self._head = Head()
        self._targets: dict[tuple[str, str], ScrapeTarget] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self) -> None:
        """Look for targets until stopped."""
        gone: dict[tuple[str, str], threading.Event] = {}
        while not self._stop.is_set():
            found = self._discover()
            for key in gone.keys() - found.keys():
                gone.pop(key).set()
            for key in found.keys() - gone.keys():
                gone[key] = threading.Event()
                threading.Thread(target=self._follow, args=(key, found[key], gone[key]), daemon=True).start()
            self._stop.wait(DISCOVERY)

    def stop(self) -> None:
        """End `run`. Threads that scrape end with the process."""
        self._stop.set()

    def visible(self, now: float) -> dict[str, str]:
        """Return the result of a query: series -> value."""
        with self._lock:
            self._head.forget(now)
            return self._head.visible(now)

    def tracked(self) -> dict[str, frozenset[str]]:
        """Return the series of each pod's last scrape without timestamps."""
        with self._lock:
            found: dict[str, frozenset[str]] = {}
            for (pod, _), target in self._targets.items():
                found[pod] = found.get(pod, frozenset()) | target.tracked
            return found

    def _follow(self, key: tuple[str, str], url: str, gone: threading.Event) -> None:
        target = self._targets.setdefault(key, ScrapeTarget(self._head))
        # Spread over the interval, the same for the same target.
        due = time.monotonic() + zlib.crc32(repr(key).encode()) % 1000 / 1000 * self._interval
        while not gone.wait(max(0.0, due - time.monotonic())):
            began = time.time()
            text = fetch(url, self._interval)
            if not text and target.tracked:
                self.failed.put(key[0])
            with self._lock:
                target.scraped(began, text)
            due = max(due + self._interval, time.monotonic())
        self._stop.wait(max(0.0, due - time.monotonic()))
        ended = time.time()
        # Had the target come back, it would have been scraped by then, and the markers would be out of order.
        self._stop.wait(1.1 * self._interval)
        with self._lock:
            target.scraped(ended, "")
            del self._targets[key]


def fetch(url: str, seconds: float) -> str:
    """Return the text of a scrape; "" after so many seconds."""
    request = urllib.request.Request(url, headers=HEADERS)
    with suppress(OSError, HTTPException, EOFError), urllib.request.urlopen(request, timeout=seconds) as answer:
        return gzip.decompress(answer.read()).decode()
    return ""
