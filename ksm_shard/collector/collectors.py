"""Collectors of a process: as the recipes want them, replaced without a gap in scrapes."""

import gc
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.recipe import Recipe, changes
from ksm_shard.collector.replacement import Replacement

# Seconds from the end of a collector until its memory is freed: its threads end within a moment. Python's own collector looks at
# numbers of objects and not at bytes: 60 reloads with 500 pods took 33 MB before it ran.
SWEEP: Final = 2.0


class Collectors:
    """All collectors. One thread at a time may change them; any thread may read.

    Attributes:
        exported: those that scrapes show, by name, in the order of a scrape. Replaced whole, so that readers need no lock.
        loading: those that load to replace the exported ones of the same names. Replaced whole as well.
    """

    def __init__(self, make: Callable[[Recipe], Collector], begin: Callable[[Collector], None]) -> None:
        """Begin without collectors.

        Args:
            make: makes a collector.
            begin: called with each collector that was made, once it is among these.
        """
        self._make = make
        self._begin = begin
        self.exported: Mapping[str, Collector] = {}
        self.loading: Mapping[str, Replacement] = {}
        self._recipes: Mapping[Collector, Recipe] = {}
        # Bytes of pages of collectors that are no more, and the others: in one value, or `retired` would fall between two.
        self._counted: tuple[int, Sequence[Collector]] = 0, ()
        self._sweeping = False

    def all(self) -> list[Collector]:
        """Return the exported collectors, and those that will replace some of them."""
        return [*self.exported.values(), *(one.collector for one in self.loading.values())]

    def retired(self) -> int:
        """Return the bytes of pages replaced since the start, which never fall."""
        ended, others = self._counted
        return ended + sum(one.store.retired for one in others)

    def arrange(self, wanted: Iterable[Recipe], *, complete: bool) -> Collection[str]:
        """Make the collectors that differ from those wanted, and end those that nobody wants; return the names of those made.

        A collector that is exported already is not touched. One for a resource already exported is swapped in by `swap`;
        scrapes have the former one until then, unless they do not show it anyway: `complete` tells whether there are scrapes.
        """
        recipes = {one.name: one for one in wanted}
        before, exported, loading = self.all(), self.exported, self.loading
        what = changes(
            recipes.values(),
            {name: self._recipes[one] for name, one in exported.items()},
            {name: self._recipes[one.collector] for name, one in loading.items()},
        )
        made = {name: self._make(recipes[name]) for name in recipes if name in what.made}
        beside = {name for name in made if complete and name in exported and exported[name].shown}
        self._recipes = {**self._recipes, **{one: recipes[name] for name, one in made.items()}}
        self.loading = {
            **{name: loading[name] for name in what.awaited},
            **{name: Replacement(made[name]) for name in beside},
        }
        self.exported = {
            name: made[name] if name in made and name not in beside else exported[name] for name in recipes
        }
        for one in made.values():
            self._begin(one)
        self._end(set(before) - set(self.all()))
        return what.made

    def swap(self) -> None:
        """Swap in collectors that have loaded."""
        now = time.monotonic()
        ready = {name: one.collector for name, one in self.loading.items() if one.may_replace(self.exported[name], now)}
        if ready:
            ended = {self.exported[name] for name in ready}
            self.exported = {**self.exported, **ready}
            self.loading = {name: one for name, one in self.loading.items() if name not in ready}
            self._end(ended)

    def _end(self, ended: Collection[Collector]) -> None:
        """Let go of collectors."""
        for one in ended:
            one.stop()
        bytes_ended = self._counted[0] + sum(one.store.retired + one.store.size().deflated for one in ended)
        self._counted = bytes_ended, self.all()
        self._recipes = {one: recipe for one, recipe in self._recipes.items() if one not in ended}
        if ended and not self._sweeping:
            self._sweeping = True
            timer = threading.Timer(SWEEP, self._sweep)
            timer.daemon = True
            timer.start()

    def _sweep(self) -> None:
        """Free the memory of collectors that have ended: their parts refer to each other."""
        self._sweeping = False
        gc.collect()
