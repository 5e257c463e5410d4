"""Differences of scrapes, and which persist. Excludes their reasons (test_reasons.py)."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.audit.differences import Differences, differences, persisting
from ksm_shard.audit.digest import digest
from ksm_shard.audit.exposition import read

LINES = st.lists(
    st.builds(
        '{}{{pod="{}",uid="{}"}} {}'.format,
        st.sampled_from(["kube_pod_info", "kube_pod_created", "kube_node_info"]),
        st.integers(0, 9),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    min_size=1,
    unique_by=lambda line: line.rpartition(" ")[0],
)


def held(old: Iterable[str], *new: Iterable[str]) -> Differences:
    """Return the differences of one scrape and a fleet's."""
    sides = [old], new
    texts = ([[f"{line}\n".encode() for line in lines] for lines in side] for side in sides)
    return differences(*(digest([read(lines, "x") for lines in side]) for side in texts))


def differing(found: Differences) -> dict[str, tuple[int, int, int, int]]:
    """Return how many series of each family are missing, surplus, of another value and twice, where there are any."""
    counts = {
        name: (len(one.missing), len(one.surplus), len(one.changed), len(one.twice)) for name, one in found.items()
    }
    return {name: count for name, count in counts.items() if any(count)}


@given(LINES, st.randoms(), st.integers(1, 3))
def test_a_scrape_equals_its_parts_in_any_order(lines: list[str], chance: object, shards: int) -> None:
    """As one scrape, or as a fleet that adds up to it."""
    mixed = list(lines)
    chance.shuffle(mixed)  # type: ignore[attr-defined]

    assert {} == differing(held(lines, *(mixed[shard::shards] for shard in range(shards))))


@given(LINES, st.data())
def test_each_series_that_is_missing_or_more_is_counted_where_it_belongs(lines: list[str], data: st.DataObject) -> None:
    """Taken away it is missing, and the other way round surplus; with another value it is of another value."""
    line = data.draw(st.sampled_from(lines))
    others = [one for one in lines if one is not line]
    family = line.partition("{")[0]

    assert {family: (1, 0, 0, 0)} == differing(held(lines, others))
    assert {family: (0, 1, 0, 0)} == differing(held(others, lines))
    assert {family: (0, 0, 1, 0)} == differing(held(lines, [*others, line[:-1] + "7"]))
    assert {family: (0, 0, 0, 1)} == differing(held(lines, lines, [line]))


def test_values_that_are_not_numbers_are_equal() -> None:
    """NaN is NaN, and the last digits are nobody's."""
    assert {} == differing(held(["a NaN", "b 0.1", "c +Inf"], ["a NaN", "b 0.10000000000000001", "c Inf"]))
    assert {"a": (0, 0, 1, 0)} == differing(held(["a 1764100000"], ["a 1764100001"]))


def test_what_one_scrape_repeats_is_not_twice() -> None:
    """kube-state-metrics repeats series of some objects, with values of which any is right."""
    assert {} == differing(held(["a 1", "a 2"], ["a 2"]))
    assert {} == differing(held(["a 2"], ["a 1", "a 2"]))
    assert {"a": (0, 0, 1, 0)} == differing(held(["a 1", "a 2"], ["a 3"]))


def test_what_is_handed_over_is_not_twice() -> None:
    """A shard that is about to let an object go writes its samples with timestamps."""
    found = held(["a 1", "b 1"], ["a 1 1764100000000", "b 1"], ["a 1", "b 1"])

    assert {"b": (0, 0, 0, 1)} == differing(found)
    assert 1 == found["a"].handed


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([(["a 1"], []), (["a 1"], ["a 1"])], {}),
        ([(["a 1"], ["b 1"]), (["b 1"], ["a 1"])], {}),
        ([(["a 1"], ["b 1"]), (["a 1"], ["b 1"])], {"a": (1, 0, 0, 0), "b": (0, 1, 0, 0)}),
        ([(["a 1"], ["a 2"]), (["a 1"], ["a 2"])], {"a": (0, 0, 1, 0)}),
        ([(["a 1"], ["a 2"]), (["a 3"], ["a 4"])], {}),
        ([(["a 1"], ["a 1"]), (["a 1", "b 1"], ["a 1"])], {}),
    ],
)
def test_only_what_is_in_all_rounds_persists(
    rounds: list[tuple[list[str], list[str]]], expected: dict[str, tuple[int, int, int, int]]
) -> None:
    """What came, went or moved between two scrapes is none."""
    first, second = (held(old, new) for old, new in rounds)

    assert expected == differing(persisting(first, second))


def test_what_moves_in_each_round_is_counted_apart() -> None:
    """A lease is renewed between the scrapes of both sides, again and again: nothing is known of it."""
    found = persisting(held(["a 1"], ["a 2"]), held(["a 3"], ["a 4"]))
    found = persisting(found, held(["a 5"], ["a 6"]))

    assert (1, True) == (len(found["a"].changing), found["a"].is_none)


def test_a_family_without_series_may_vanish() -> None:
    """No job has failed yet: the family is known by its header, and missing where that is."""
    found = held(["# TYPE a gauge", "# TYPE b gauge"], ["# TYPE b gauge"])

    assert (True, False) == (found["a"].vanishes, found["b"].vanishes)
