"""Whole fleets in which pods are killed, evicted and never start again, in any order, and hear of it late: where all end.

Seconds are simulated. Excluded: what is missing meanwhile, which depends on when; that nothing is while pods only restart is
in test_handover.py.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ksm_shard.sharding.masks import SLOTS
from ksm_shard.sharding.takeover import PATIENCE
from tests.sharding.fleet import DRAIN, HANDOVER, LATE, LOAD, SILENT, START, Fleet

totals = st.integers(1, 6)
pods = st.integers(0, 5)
mishaps = st.tuples(
    st.sampled_from(["scale", "evict", "remove", "kill", "strand", "rescue"]), pods, st.integers(0, 200)
)


def happen(fleet: Fleet, what: str, ordinal: int) -> None:
    """Do something to the fleet, or to one of its pods."""
    if what == "scale":
        fleet.total = ordinal + 1
    elif what in {"evict", "remove"}:
        for each in fleet.alive:
            if each.ordinal == ordinal and each.gone_at is None:
                each.gone_at = fleet.now + (DRAIN if what == "evict" else 0)
    elif what == "rescue":
        for stranded in fleet.stranded.copy():
            fleet.stranded.discard(stranded)
            fleet.kill(stranded)
    else:
        if what == "strand":
            fleet.stranded.add(ordinal)
        fleet.kill(ordinal)


def served(fleet: Fleet) -> int:
    """How many slots are held, one that two pods hold counting twice."""
    return sum(each.state.held.count(1) for each in fleet.alive if each.state.serving)


# A pod that never starts, and then all others are evicted one after another: what they held for it went with them.
@example(
    3, [("strand", 3, 0), ("scale", 3, 100), *(("evict", pod, 150) for pod in (2, 1, 0))], False, 2, random.Random(1)
)
@example(3, [("strand", 3, 0), ("scale", 3, 100), ("kill", 1, 150)], False, 2, random.Random(1))
@settings(max_examples=40)
@given(
    totals,
    st.lists(mishaps, min_size=1, max_size=8),
    st.booleans(),
    st.integers(0, 90),
    st.integers(0, 2**32).map(random.Random),
)
def test_every_slot_ends_with_one_holder(
    total: int, events: list[tuple[str, int, int]], ordered: bool, late: int, rng: random.Random
) -> None:
    """However late pods hear of what happened: in the end each slot is served by one pod if any is Ready, by its own if all are."""
    fleet = Fleet(total, ordered, 99, late, rng)
    for what, ordinal, seconds in events:
        happen(fleet, what, ordinal)
        for _ in range(seconds):
            fleet.second()

    fleet.settle()

    if any(each.ready_since is not None for each in fleet.alive):
        assert (fleet.missing(), served(fleet)) == (0, SLOTS)
    if not fleet.stranded & set(range(fleet.total)):
        assert fleet.at_target()


@pytest.mark.parametrize("order", [(2, 1, 0), (0, 1, 2)], ids=["downwards", "upwards"])
def test_evictions_beside_a_pod_that_never_starts(order: tuple[int, ...]) -> None:
    """Evicting the others one after another, each after the last has settled, costs no slot for a second."""
    fleet = Fleet(3, ordered=False, stuck=3, late=LATE, rng=random.Random(1))
    fleet.settle()
    fleet.total = 4
    fleet.settle()
    for ordinal in order:
        happen(fleet, "evict", ordinal)
        for _ in range((PATIENCE + 2) * HANDOVER + DRAIN):
            fleet.second()
            assert fleet.missing() == 0


def test_a_start_from_nothing_loads_each_share_once() -> None:
    """While a fleet starts, and some pods come late, none loads more than its share."""
    fleet = Fleet(6, ordered=False, stuck=99, late=LATE, rng=random.Random(1))
    fleet.stranded = {4, 5}
    for _ in range((PATIENCE - 1) * HANDOVER):
        fleet.second()
        assert all(each.state.held.count(1) <= SLOTS // 6 + 1 for each in fleet.alive)

    happen(fleet, "rescue", 0)
    fleet.settle()
    assert fleet.at_target()


@pytest.mark.parametrize("deaf", [0, 1])
@pytest.mark.parametrize("total", [3, 2], ids=["eviction", "scale-in"])
def test_nobody_counts_on_a_pod_that_says_that_it_is_deaf(total: int, deaf: int) -> None:
    """It can neither cover a pod that is evicted nor load what a smaller fleet gives it: others do."""
    fleet = Fleet(3, ordered=False, stuck=99, late=LATE, rng=random.Random(1))
    fleet.settle()
    fleet.deafen(deaf)
    for _ in range(SILENT + LATE + 2):
        fleet.second()
    fleet.total = total
    fleet.evict(2)
    for _ in range(DRAIN + HANDOVER + START + LOAD):
        fleet.second()
        assert fleet.missing() == 0

    fleet.hear()
    fleet.settle()
    assert fleet.at_target()


@pytest.mark.parametrize("settled", [True, False], ids=["long away", "deleted just now"])
@pytest.mark.parametrize("seconds", [SILENT // 2, SILENT + 2 * HANDOVER, (PATIENCE + 6) * HANDOVER])
def test_an_api_server_that_is_away_moves_nothing(settled: bool, seconds: int) -> None:
    """Whoever is deaf is not Ready once the API server hears of it, all at once; nobody takes over anything for that.

    Nor is anything let go: a pod that is away and covered by the others stays so.
    """
    fleet = Fleet(5, ordered=False, stuck=99, late=LATE, rng=random.Random(1))
    fleet.settle()
    fleet.stranded.add(1)
    happen(fleet, "evict", 1)
    for _ in range(DRAIN + LATE + START + LOAD):
        fleet.second()
    if settled:
        fleet.settle()
    before = {each.ordinal: each.state.held for each in fleet.alive}

    fleet.outage = True
    for each in fleet.alive:
        fleet.deafen(each.ordinal)
    for _ in range(seconds):
        fleet.second()
        assert fleet.missing() == 0
    fleet.outage = False
    fleet.second()
    assert {each.ready_since is None for each in fleet.alive if each.ordinal != 1} == {seconds > SILENT}
    fleet.hear()
    for _ in range(2 * PATIENCE * HANDOVER):
        fleet.second()
        assert fleet.missing() == 0
        assert {each.ordinal: each.state.held for each in fleet.alive} == before

    happen(fleet, "rescue", 1)
    fleet.settle()
    assert fleet.at_target()
