"""A collector that loads beside the one that it will replace."""

from typing import Final

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.object_count import number

# Seconds after its lists for which a replacement may be behind the collector that it replaces. A scrape has the
# watches read what has come; only an event of a namespace that is watched no longer never comes.
CATCH_UP: Final = 5.0


class Replacement:
    """A collector that loads, and the moment from which scrapes lose nothing by it.

    Attributes:
        collector: the collector.
    """

    def __init__(self, collector: Collector) -> None:
        """Begin with a collector that has listed nothing yet."""
        self.collector = collector
        self._goal: tuple[int, float] | None = None

    def may_replace(self, former: Collector, now: float) -> bool:
        """Tell whether it has listed the slots of the former one, and all that the former one had seen by then.

        An object that was created during the list would otherwise be in a scrape of the former collector, and be missing in the
        next one. Nor may farewells be lost that only the former collector has to say. A collector that may read nothing replaces
        the former one too: a fresh process would not have its objects.

        Args:
            former: the collector that scrapes show.
            now: seconds of a clock.
        """
        new = self.collector
        if new.exempt:
            return True
        if not (new.settled and new.shown) or (new.listed_version() or 0) < (former.listed_version() or 0):
            return False
        if self._goal is None:
            self._goal = max(_versions(former), default=0), now
        version, since = self._goal
        caught_up = min(_versions(new), default=0) >= version or now - since >= CATCH_UP
        # Series that ended before the lists did, which the new one never had: a Prometheus that does not hear of their end goes
        # on to show them.
        return caught_up and not former.store.owes_farewells(since)


def _versions(collector: Collector) -> list[int]:
    """Return the resource version of each informer that has listed."""
    return [number(one.reflector.resource_version) for one in collector.informers if one.listed]
