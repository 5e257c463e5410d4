"""One follower in its thread: the sink it fills, and who hears of what it does."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.follower import Follower
from ksm_shard.exported import Exported
from ksm_shard.intake import Intake
from ksm_shard.web.tally import Tally

# What cannot be read because of the cluster's configuration is no reason not to serve the rest.
EXEMPT: Final = frozenset({"forbidden", "absent"})
# One refusal may be a passing one: one 403 while rights were being loaded made a shard Ready without what it was refused.
ENOUGH: Final = 2


class Watcher:
    """The observer of one follower: the tally of its resource hears everything, the exporter some of it."""

    def __init__(self, tally: Tally, news: Callable[[], None]) -> None:
        """`news` is called on every change of state."""
        self._tally = tally
        self._news = news
        self.on_relist = tally.on_relist
        self.on_list = tally.on_list
        self.on_watch = tally.on_watch
        self.on_watch_end = tally.on_watch_end
        self.on_failed_item = tally.on_failed_item
        self.on_bytes = tally.on_bytes
        self.on_event = tally.on_event

    def on_state(self, state: str) -> None:
        """Tell that there is something to look at."""
        self._tally.on_state(state)
        self._news()


class Followed:
    """One follower in its thread, with its sink."""

    def __init__(self, exported: Exported, follower: Follower, intake: Intake) -> None:
        """Name the thread after the resource, which logs and debuggers show."""
        self.exported = exported
        self.follower = follower
        self.intake = intake
        self.thread = threading.Thread(target=follower.run, name=exported.resource.plural, daemon=True)

    @property
    def exempt(self) -> bool:
        """Whether it waits for rights or for an API to appear."""
        return self.follower.state in EXEMPT and self.follower.refusals >= ENOUGH
