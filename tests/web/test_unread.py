"""What slow readers hold, whatever changes: held against the pages themselves, counted one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.store.pages import held
from ksm_shard.store.store import Store
from ksm_shard.web.unread import YOUNG, Unread, UnreadScrape

FAMILIES = 3
OBJECTS = 300
# A change of one object; a scrape of some families that begins; the end of the oldest one; seconds that pass.
STEPS = st.one_of(
    st.tuples(st.just("change"), st.integers(0, OBJECTS - 1), st.integers(0, FAMILIES - 1)),
    st.tuples(st.just("scrape"), st.integers(1, FAMILIES), st.just(0)),
    st.tuples(st.just("end"), st.just(0), st.just(0)),
    st.tuples(st.just("pass"), st.integers(1, 3), st.just(0)),
)


class Shard:
    """A store, its scrapes under way, and a clock."""

    def __init__(self, most: int) -> None:
        self.store, self.now, self.dropped = Store(FAMILIES), 0.0, 0
        self.readings: list[UnreadScrape] = []
        self.cut: list[UnreadScrape] = []
        self.unread = Unread(lambda: self.store.retired, self.drop, lambda: self.now, most)
        for at in range(OBJECTS):
            self.put(at, 0, 0)
        self.store.bodies()

    def put(self, at: int, family: int, value: int) -> None:
        texts = [f'metric_{each}{{name="{at}"}} {value if each == family else 0}\n' for each in range(FAMILIES)]
        self.store.put(str(at), 0, texts)

    def drop(self, reason: str) -> None:
        assert reason == "unread"
        self.dropped += 1

    def scrape(self, families: int = FAMILIES) -> UnreadScrape:
        reading = self.unread.start(lambda: self.leave(reading))
        reading.bodies = self.store.bodies()[:families]
        self.readings.append(reading)
        return reading

    def leave(self, reading: UnreadScrape) -> None:
        self.cut.append(reading)
        self.readings.remove(reading)

    def stale(self) -> int:
        """Return the bytes of pages that only readers hold."""
        own = {id(page) for body in self.store.bodies() for page in body.pages}
        pages = {id(page): page for reading in self.readings for body in reading.bodies for page in body.pages}
        return sum(held(page) for key, page in pages.items() if key not in own)


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=80), st.integers(0, 8_000))
def test_slow_readers_never_hold_more_than_allowed(steps: list[tuple[str, int, int]], most: int) -> None:
    """After each look readers hold no more than that together, and no more than is said."""
    shard = Shard(most)
    for number, (what, first, second) in enumerate(steps):
        if what == "change":
            shard.put(first, second, number + 1)
        elif what == "scrape":
            shard.scrape(first)
        elif what == "end" and shard.readings:
            shard.unread.end(shard.readings.pop(0))
        elif what == "pass":
            shard.now += first
            shard.store.bodies()
            said = shard.unread.look()
            assert shard.stale() <= said <= most

    assert shard.dropped == len(shard.cut)


def test_a_young_reader_is_not_let_go() -> None:
    """A scrape of less than a second is left to end, whatever it holds."""
    shard = Shard(most=0)
    shard.scrape()
    shard.put(0, 0, 1)
    shard.store.bodies()
    shard.now += YOUNG / 2
    shard.unread.look()
    assert (shard.dropped, shard.stale() > 0) == (0, True)

    shard.now += YOUNG / 2
    shard.unread.look()
    assert (shard.dropped, shard.stale()) == (1, 0)


def test_readers_that_share_their_pages_pay_once() -> None:
    """Ten that began together hold as much as one."""
    held_by = []
    for readers in 1, 10:
        shard = Shard(most=1 << 20)
        for _ in range(readers):
            shard.scrape()
        for at in range(OBJECTS):
            shard.put(at, at % FAMILIES, 1)
        shard.store.bodies()
        shard.now += YOUNG
        held_by.append(shard.unread.look())
        assert shard.stale() == held_by[-1]

    assert held_by[0] == held_by[1] > 0


def test_the_oldest_are_let_go_first() -> None:
    """Of five with 1.5 kB of pages of their own, the newest that fit are kept."""
    shard = Shard(most=4_000)
    readings = []
    for value in range(1, 6):
        readings.append(shard.scrape())
        for at in range(OBJECTS):
            shard.put(at, 0, value)
    shard.store.bodies()
    shard.now += YOUNG
    shard.unread.look()

    assert readings[-len(shard.readings) :] == shard.readings
    assert 0 < len(shard.readings) < 5
    assert shard.stale() <= 4_000
