"""Watch CustomResourceDefinitions as metadata, only to know that one has changed."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.protocols import Api
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.informer import StatsObserver
from ksm_shard.status.stats import Stats
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.reading import Reading

TARGET: Final = Target("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Reading.METADATA)


class Definitions:
    """Calls back for every change of a definition.

    Attributes:
        thread: runs the reflector.
        events: number of definitions that came, changed and went, by kube-state-metrics' words.
    """

    def __init__(self, api: Api) -> None:
        """Take the API server, which is asked for TARGET."""
        self._changed: Callable[[], None] = lambda: None
        self._known: set[str] = set()  # uids
        self._listed: set[str] | None = None  # of the list under way
        self.events = Counter(add=0, update=0, delete=0)
        self._reflector = Reflector(TARGET, api, self, StatsObserver(Stats(), lambda: None, time.monotonic))
        self.thread = threading.Thread(target=self._reflector.run, name="customresourcedefinitions", daemon=True)

    @property
    def count(self) -> int:
        """Number of definitions in the cluster."""
        return len(self._known)

    @property
    def problem(self) -> str:
        """Why changes are not noticed at once; "" if they are."""
        state = self._reflector.state
        return f"customresourcedefinitions: {state}; discovery is asked once a minute" if state.exempt else ""

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to watch; `changed` is called from the thread of the watch."""
        self._changed = changed
        self.thread.start()

    def stop(self) -> None:
        """End without waiting."""
        self._reflector.stop()

    def start_list(self) -> None:
        """Begin a list: its objects are no changes of their own."""
        self._listed = set()

    def start_adding(self) -> None:
        """Begin a list that adds, which nobody asks for here."""
        self.start_list()

    def put(self, codec: Codec, item: Raw) -> None:
        """Take a definition of a list, or a new one."""
        uid = codec.identity(item)[0]
        if self._listed is not None:
            self._listed.add(uid)
            return
        self._known.add(uid)
        self.events["add"] += 1
        self._changed()

    def change(self, codec: Codec, item: Raw) -> None:
        """Take a changed definition."""
        del codec, item
        self.events["update"] += 1
        self._changed()

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take a deleted definition."""
        self._known.discard(codec.identity(item)[0])
        self.events["delete"] += 1
        self._changed()

    def end_list(self, resource_version: str) -> None:
        """Tell once of a list: something may have changed before it."""
        del resource_version
        listed, self._listed = self._listed or set(), None
        self.events["add"] += len(listed - self._known)
        self.events["delete"] += len(self._known - listed)
        self._known = listed
        self._changed()

    end_adding = end_list

    def abort_list(self) -> None:
        """Wait for the next list."""
        self._listed = None
