"""What a store holds after any history of changes. Excludes how pages are joined (test_pages.py)."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.store.column import ROWS
from ksm_shard.store.pages import gzip_length, gzip_pieces, text_length, text_pieces
from ksm_shard.store.store import Store

FAMILIES = 3


def texts_of(store: Store) -> list[set[str]]:
    """Return the lines of each family."""
    return [set(b"".join(text_pieces([body])).decode().splitlines()) for body in store.bodies()]


def test_an_object_replaces_its_predecessor_of_the_same_key() -> None:
    """Putting a key again leaves only the new texts."""
    store = Store(2)

    store.put("a/b", 1, ["old 1\n", "same 1\n"])
    store.put("a/b", 2, ["new 1\n", "same 1\n"])

    assert [{"new 1"}, {"same 1"}] == texts_of(store)
    assert len(store) == 1


def test_put_tells_whether_anything_changed() -> None:
    """The same texts again change nothing, and no page is written for them."""
    store = Store(1)

    assert store.put("a", 1, ["x 1\n"])
    before = store.bodies()
    assert not store.put("a", 1, ["x 1\n"])

    assert before[0] is store.bodies()[0]


def test_a_view_is_not_changed_by_what_comes_after_it() -> None:
    """Whoever holds bodies reads what was true when they were taken."""
    store = Store(1)
    store.put("a", 1, ["x 1\n"])
    view = store.bodies()

    store.put("a", 1, ["x 2\n"])
    store.bodies()

    assert b"x 1\n" == b"".join(text_pieces(view))


def test_keep_forgets_only_the_objects_of_its_source() -> None:
    """A relist of one namespace does not touch the objects of another reflector."""
    store = Store(1)
    store.put("a/1", 1, ["a1 1\n"], source=0)
    store.put("a/2", 1, ["a2 1\n"], source=0)
    store.put("b/1", 1, ["b1 1\n"], source=1)

    assert store.keep(0, {"a/2"}) == 1

    assert [{"a2 1", "b1 1"}] == texts_of(store)


def test_drop_leaves_an_object_that_another_source_has_put_since() -> None:
    """A pod that moved from one node's reflector to another's survives the first one's DELETED."""
    store = Store(1)
    store.put("a/1", 1, ["x 1\n"], source=0)
    store.put("a/1", 1, ["x 1\n"], source=1)

    assert not store.drop("a/1", source=0)

    assert len(store) == 1


def test_the_row_of_a_successor_stays_as_it_is() -> None:
    """What is replayed is held against the version of the row, also after the row was moved to another page."""
    store = Store(1)
    for number in range(3 * ROWS):
        store.put(str(number), number % 10, [f'x{{n="{number}"}} 1\n'], version=50)
    store.release(bytes(slot > 0 for slot in range(65536)))
    before = texts_of(store)

    for key in range(0, 3 * ROWS, 10):
        assert not store.put(str(key), 0, ["old 1\n"], version=49, replayed=True)
        assert not store.drop(str(key), version=49, replayed=True)

    assert before == texts_of(store)
    assert store.put("0", 0, ["new 1\n"], version=51, replayed=True)
    assert store.drop("10", version=50, replayed=True)


def test_a_row_that_is_free_again_knows_nothing_of_the_object_before() -> None:
    """The next object of the row may be older."""
    store = Store(1)
    store.put("a", 1, ["a 1\n"], version=50)
    store.drop("a")

    assert store.put("b", 1, ["b 1\n"], version=20, replayed=True)


def test_release_forgets_the_objects_of_lost_slots() -> None:
    """Only objects whose slot is in the mask go."""
    store = Store(1)
    for slot in range(10):
        store.put(str(slot), slot, [f"x{slot} 1\n"])
    lost = bytearray(65536)
    lost[3] = lost[4] = 1

    assert store.release(bytes(lost)) == 2

    assert [{f"x{slot} 1" for slot in range(10) if slot not in {3, 4}}] == texts_of(store)


def test_after_a_mass_deletion_the_rest_is_packed_into_few_pages() -> None:
    """A shard that gives away nine tenths of its objects does not keep ten times the pages."""
    store = Store(1)
    for number in range(20 * ROWS):
        store.put(str(number), number % 10, [f'x{{n="{number}"}} 1\n'])
    store.bodies()

    store.release(bytes(slot > 0 for slot in range(65536)))

    assert len(store) == 2 * ROWS
    assert len(store.bodies()[0].pages) <= 4
    assert len(texts_of(store)[0]) == 2 * ROWS


def test_a_long_list_writes_each_page_once() -> None:
    """No page was replaced by a fuller one, though more text came than may wait, and every row is shown."""
    store = Store(2)
    line = 'x{n="%d",more="' + "m" * 4000 + '"} 1\n'
    for number in range(20 * ROWS):
        store.put(str(number), 0, [line % number, "y 1\n" if number % 3 else ""], listed=True)

    first, second = texts_of(store)

    assert store.retired == 0
    assert {line.rstrip() % number for number in range(20 * ROWS)} == first
    assert len(store.bodies()[0].pages) == 20
    assert store.series() == 20 * ROWS + sum(1 for number in range(20 * ROWS) if number % 3)
    assert {"y 1"} == second


@pytest.mark.parametrize("again", [["a 2\n", ""], ["", "b 2\n"], ["", ""]])
def test_an_object_that_changes_before_its_pages_are_written_shows_its_last_state(again: list[str]) -> None:
    """Also if its row had another object before, whose texts the pages still have."""
    store = Store(2)
    store.put("before", 0, ["before 1\n", "before 2\n"])
    store.bodies()
    store.drop("before")
    store.put("a", 0, ["a 1\n", "b 1\n"])

    store.put("a", 0, again)

    assert [{text.strip()} if text else set() for text in again] == texts_of(store)


CHANGES = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.integers(0, 400), st.lists(st.integers(0, 3), min_size=FAMILIES, max_size=FAMILIES)
        ),
        st.tuples(st.just("drop"), st.integers(0, 400), st.none()),
        st.tuples(st.just("keep"), st.integers(0, 400), st.none()),
        st.tuples(st.just("scrape"), st.none(), st.none()),
    ),
    max_size=300,
)


@settings(max_examples=60)
@given(CHANGES)
def test_a_store_holds_what_a_dict_would(changes: list[tuple[str, int, list[int]]]) -> None:
    """Whatever the history, the text equals that of the objects that are left, in both forms, with the right lengths and series."""
    store, model = Store(FAMILIES), {}
    for what, number, values in changes:
        key = str(number)
        if what == "put":
            # Some texts are empty, some have letters of more than one byte.
            model[key] = [f'f{f}{{k="{key}",v="é"}} {v}\n' if v else "" for f, v in enumerate(values)]
            store.put(key, 0, model[key])
        elif what == "drop":
            assert store.drop(key) == (model.pop(key, None) is not None)
        elif what == "keep":
            model = {key: texts for key, texts in model.items() if int(key) >= number}
            store.keep(0, set(model))
        else:
            store.bodies()

    bodies = store.bodies()
    answer, text = b"".join(gzip_pieces(bodies)), b"".join(text_pieces(bodies))

    assert sorted("".join(map("".join, model.values())).splitlines()) == sorted(text.decode().splitlines())
    assert gzip.decompress(answer) == text
    assert (gzip_length(bodies), text_length(bodies)) == (len(answer), len(text))
    assert len(store) == len(model)
    for family in range(FAMILIES):
        there = sum(bool(texts[family]) for texts in model.values())
        assert (there, len(model) - there) == store.tally(family)
    assert store.series() == len(text.splitlines())
