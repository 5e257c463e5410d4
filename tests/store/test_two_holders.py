"""Two stores that have the same objects for a while, and one Prometheus that scrapes both: a hand-over, step by step.

Excludes scrapes at the same time and clocks that differ (tests/e2e/test_prometheus.py), and a label that changes after one of the
two was scraped and before the other was (docs/known-limits.md). Prometheus is a few lines, as in test_farewells.py.
"""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ksm_shard.sharding.masks import ALL
from ksm_shard.store.pages import text_pieces
from ksm_shard.store.stamps import Stamp
from ksm_shard.store.store import Store

OLD, NEW = 0, 1


class Pair:
    """An old owner, whose slots all leave, and a new one.

    Attributes:
        visible: what Prometheus shows: series -> value.
        there: the objects that there are.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.stores = [Store(1, lambda: self.now), Store(1, lambda: self.now)]
        self.holding = {OLD}
        self.ended = False
        self.there: dict[str, str] = {}
        self.visible: dict[str, str] = {}
        self._tracked: list[set[str]] = [set(), set()]
        self._changed: set[str] = set()  # since the new one has loaded
        self._scraped: set[int] = set()  # since the new one has loaded
        # Nobody has scraped: what has ended is kept for whoever comes first.
        self._heard = [0.0, 0.0]
        self.stores[OLD].leave(ALL)

    def put(self, key: str, text: str) -> None:
        """Make or change an object, of which watches tell."""
        if key in self._changed:  # both have shown it as it is; the first scrape may have a farewell to what it was
            for one in (OLD, NEW, OLD, NEW):
                self.scrape(one)
        if NEW in self.holding:
            self._changed.add(key)
        self.now += 1
        self.there[key] = text
        for one in self.holding:
            self.stores[one].put(key, 1, [text])

    def drop(self, key: str) -> None:
        """Delete an object."""
        self.now += 1
        self.there.pop(key, None)
        for one in self.holding:
            self.stores[one].drop(key)

    def load(self) -> None:
        """Have the new owner list all there is."""
        if NEW not in self.holding:
            self.holding.add(NEW)
            self._scraped.clear()
            self.stores[NEW].leave(None, ALL)
            for key, text in self.there.items():
                self.stores[NEW].put(key, 1, [text], listed=True)

    def let_go(self) -> None:
        """Have the old owner forget everything, once both were scraped."""
        if len(self._scraped & self.holding) == 2:
            self.holding.remove(OLD)
            self.stores[OLD].release(ALL)
            self.stores[OLD].leave(None)

    def end(self) -> None:
        """Have the old owner's process end, once both were scraped."""
        if NEW in self.holding and len(self._scraped) == 2:
            self.holding.discard(OLD)
            self.ended = True
            for series in self._tracked[OLD]:
                self.visible.pop(series, None)
            self._tracked[OLD] = set()

    def scrape(self, one: int) -> None:
        """Have Prometheus scrape one of them."""
        if one == OLD and self.ended:
            return
        self._scraped.add(one)
        self.now += 1
        began, store = self.now, self.stores[one]
        store.forget_farewells(self._heard[one])
        text = b"".join(text_pieces(store.bodies(Stamp(1.7e9 + began, openmetrics=False)))).decode()
        lines = [line.split(" ") for line in text.split("\n")[:-1]]
        present = {series: value for series, value, *_ in lines}
        assert len(present) == len(lines), "a series is there twice"
        for series in self._tracked[one] - present.keys():
            self.visible.pop(series, None)
        self.visible |= present
        self._tracked[one] = {series for series, _, *stamp in lines if not stamp}
        self._heard[one] = began
        self.now += 1


KEYS = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 2)),
        st.tuples(st.just("drop"), KEYS),
        st.tuples(st.just("scrape"), st.sampled_from([OLD, NEW])),
        st.tuples(st.just("load")),
        st.tuples(st.just("let_go")),
        st.tuples(st.just("end")),
    ),
    max_size=30,
)


@settings(max_examples=200)
@example([("put", "a", 0), ("scrape", OLD), ("load",), ("scrape", OLD), ("drop", "a"), ("scrape", NEW), ("end",)])
@example([("put", "a", 0), ("scrape", OLD), ("load",), ("scrape", OLD), ("put", "a", 1), ("scrape", NEW), ("end",)])
@given(STEPS)
def test_a_hand_over_ends_with_what_there_is(steps: list[tuple[Any, ...]]) -> None:
    """What stays is always there, and three scrapes of each later there is nothing else than what there should be."""
    pair = Pair()
    pair.put("stays", "s 1\n")
    pair.scrape(OLD)
    for what, *more in steps:
        match what:
            case "put":
                key, label = more
                pair.put(key, f'x{{key="{key}",label="{label}"}} 1\n')
            case _:
                getattr(pair, what)(*more)
        assert "s" in pair.visible

    pair.load()
    for _ in range(3):
        pair.let_go()
        pair.scrape(OLD)
        pair.scrape(NEW)

    assert pair.visible == dict(text.split() for text in pair.there.values())
