"""Series that end while their samples have timestamps: gone from what Prometheus shows, and what stays is always there.

Prometheus is the simulator's; that the real one does so is in tests/e2e/test_prometheus.py.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.sharding.masks import ALL, SLOTS
from ksm_shard.simulator.prometheus import Head, ScrapeTarget, samples
from ksm_shard.store.pages import text_pieces
from ksm_shard.store.stamps import Stamp
from ksm_shard.store.store import Store

LEAVING = bytes(slot % 2 for slot in range(SLOTS))
MASKS = {"none": None, "some": LEAVING, "all": ALL}


# Seconds since 1970.
T = 1.7e9


class Fleet:
    """A store, and those who scrape it in turn: each has its own series."""

    def __init__(self, scrapers: int = 1, families: int = 1) -> None:
        self.now = 0.0
        self.store = Store(families, lambda: self.now)
        self._heads = [Head() for _ in range(scrapers)]
        self._targets = [ScrapeTarget(head) for head in self._heads]
        self._heard = [0.0] * scrapers

    def scrape(self, *which: int) -> None:
        """Have some of them scrape, all if none are named."""
        for one in which or range(len(self._targets)):
            self.now += 1
            began = self.now
            self.store.forget_farewells(min(self._heard))
            text = b"".join(text_pieces(self.store.bodies(Stamp(T + began, openmetrics=False)))).decode()
            series = [name for name, *_ in samples(text)]
            assert len(set(series)) == len(series), "a series is there twice"
            self._targets[one].scraped(T + began, text)
            self._heard[one] = began
            self.now += 1

    @property
    def visible(self) -> list[dict[str, str]]:
        """What each of them shows: series -> value."""
        return [head.visible(T + self.now) for head in self._heads]


def leaver(text: str) -> Fleet:
    """Return a fleet whose one object, of that text, is in a leaving slot and was scraped with timestamps."""
    fleet = Fleet()
    fleet.store.put("a", 1, [text])
    fleet.store.leave(LEAVING)
    fleet.scrape()
    return fleet


def two_scrapes(fleet: Fleet) -> list[list[str]]:
    """Scrape twice; return the series that the first scraper shows after each."""
    shown = []
    for _ in range(2):
        fleet.scrape()
        shown.append(sorted(fleet.visible[0]))
    return shown


def test_what_is_deleted_while_it_leaves_is_gone_after_two_scrapes() -> None:
    """One scrape has it without a timestamp, the next not at all."""
    fleet = leaver("x 1\n")

    assert fleet.store.drop("a")
    assert len(fleet.store) == 0
    fleet.scrape()
    fleet.scrape()

    assert fleet.visible == [{}]
    assert fleet.store.empty


def test_a_label_that_changes_is_never_there_with_both_values() -> None:
    """The old series ends in the scrape that first has the new one, and each scrape has one of them."""
    fleet = leaver('x{node=""} 1\n')

    fleet.store.put("a", 1, ['x{node="n"} 1\n'])
    assert two_scrapes(fleet) == [['x{node=""}'], ['x{node="n"}']]


def test_what_nobody_was_shown_gets_no_farewell() -> None:
    """A pod that has just been made is shown as it is now, and not as it was before it had an address."""
    fleet = Fleet()
    fleet.store.leave(LEAVING)
    fleet.scrape()

    fleet.store.put("a", 1, ['x{node=""} 1\n'])
    fleet.store.put("a", 1, ['x{node="n"} 1\n'])
    fleet.store.put("b", 1, ["y 1\n"])
    fleet.store.drop("b")
    fleet.scrape()

    assert fleet.visible == [{'x{node="n"}': "1"}]
    assert len(fleet.store) == 1


def test_what_a_list_told_of_may_have_been_shown_by_others() -> None:
    """Slots that have just been gained are another's too: what ends in them gets a farewell, as there."""
    fleet = Fleet()
    fleet.store.leave(None, LEAVING)
    fleet.store.put("a", 1, ['x{node=""} 1\n'], listed=True)

    fleet.store.put("a", 1, ['x{node="n"} 1\n'])
    assert two_scrapes(fleet) == [['x{node=""}'], ['x{node="n"}']]


def test_only_a_newline_ends_a_line() -> None:
    """Label values may have whatever else ends lines elsewhere."""
    fleet = leaver('x{odd="\r\x85\u2028\x1c"} 1\n')

    fleet.store.put("a", 1, ['x{odd="\r\x85\u2028\x1c",more="\r"} 1\n'])
    for _ in range(2):
        fleet.scrape()

    assert fleet.visible == [{'x{odd="\r\x85\u2028\x1c",more="\r"}': "1"}]


def test_a_value_that_changes_is_shown_at_once() -> None:
    """No series ends, so there is nothing to wait for; nor is there for a series that is new."""
    fleet = leaver("x 1\n")

    fleet.store.put("a", 1, ["x 2\ny 1\n"])
    fleet.scrape()

    assert fleet.visible == [{"x": "2", "y": "1"}]


def test_every_scraper_has_the_farewell() -> None:
    """What the first has had twice already is kept for the second."""
    fleet = Fleet(scrapers=2)
    fleet.store.put("a", 1, ["x 1\n"])
    fleet.store.leave(LEAVING)
    fleet.scrape()

    fleet.store.drop("a")
    fleet.scrape(0)
    fleet.scrape(0)
    fleet.scrape()
    fleet.scrape()

    assert fleet.visible == [{}, {}]


def test_what_others_go_on_with_gets_no_farewell() -> None:
    """The slots are let go: the last samples have timestamps, and no marker follows."""
    fleet = leaver("x 1\n")

    assert fleet.store.release(LEAVING) == 1
    fleet.store.leave(None)
    fleet.scrape()

    assert fleet.visible == [{"x": "1"}]
    assert fleet.store.empty


def test_what_an_object_was_gets_its_farewell_though_others_have_the_object() -> None:
    """Of one that changed just before its slot was let go, the old series ends and the others stay as they are."""
    fleet = Fleet(families=2)
    fleet.store.put("a", 1, ['x{node=""} 1\n', "y 1\n"])
    fleet.store.leave(LEAVING)
    fleet.scrape()

    fleet.store.put("a", 1, ['x{node="n"} 1\n', "y 1\n"])
    fleet.store.release(LEAVING)
    fleet.store.leave(None)
    fleet.scrape()
    fleet.scrape()

    assert fleet.visible == [{"y": "1"}]
    assert fleet.store.empty


def test_an_object_made_again_in_a_slot_that_stays_is_tracked_again() -> None:
    """Its last samples had timestamps, with the uid before it: they end though it is gone before the next scrape."""
    fleet = leaver("x 1\n")

    fleet.store.put("a", 0, ["x 1\n"])
    fleet.store.drop("a")
    fleet.scrape()
    fleet.scrape()

    assert fleet.visible == [{}]


def test_an_object_that_stays_after_all_is_tracked_again() -> None:
    """It is written without a timestamp, and ends as any other."""
    fleet = leaver("x 1\n")
    fleet.store.leave(None)
    fleet.scrape()

    fleet.store.drop("a")
    fleet.scrape()

    assert fleet.visible == [{}]


KEYS = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3))),
        st.tuples(st.just("drop"), KEYS, st.none()),
        st.tuples(st.just("keep"), KEYS, st.none()),
        st.tuples(st.just("leave"), st.sampled_from(sorted(MASKS)), st.none()),
        st.tuples(st.just("scrape"), st.sampled_from([0, 1]), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(STEPS)
def test_prometheus_shows_what_there_is_whatever_happens(steps: list[tuple[str, Any, Any]]) -> None:
    """After two quiet scrapes it shows exactly the series that there are; what never changes is never missing."""
    fleet = Fleet(scrapers=2, families=2)
    fleet.store.put("stays", 1, ["s 1\n", "t 1\n"])
    model: dict[str, list[str]] = {"stays": ["s 1\n", "t 1\n"]}
    fleet.scrape()
    for what, which, more in steps:
        key = str(which)
        if what == "put":
            label, value, slot = more
            model[key] = [f'x{{key="{key}",label="{label}"}} {value}\n', f'y{{key="{key}"}} {value}\n' if value else ""]
            fleet.store.put(key, slot, model[key])
        elif what == "drop":
            assert fleet.store.drop(key) == (model.pop(key, None) is not None)
        elif what == "keep":
            model = {one: texts for one, texts in model.items() if one == "stays" or int(one) >= which}
            fleet.store.keep(0, set(model))
        elif what == "leave":  # a change is had by everybody before the next, as in a fleet
            fleet.scrape()
            fleet.store.leave(MASKS[which])
            fleet.scrape()
        else:
            fleet.scrape(which)
            assert all({"s", "t"} <= shown.keys() for shown in fleet.visible)
        assert len(fleet.store) == len(model)
        # A farewell shows an object as it was, a deleted one as well.
        assert 0 <= fleet.store.tally(1)[1] <= len(model)

    for _ in range(3):
        fleet.scrape()

    there = dict(line.split(" ") for texts in model.values() for text in texts for line in text.splitlines())
    assert fleet.visible == [there, there]
    assert fleet.store.tally(1)[1] == sum(not texts[1] for texts in model.values())
