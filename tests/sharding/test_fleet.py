"""Whole fleets through random changes, each pod seeing them late in its own way. Simulated seconds; no process, no server.

The real thing (processes, readiness probes, an API server) is measured elsewhere. Excluded here: killed processes, pods that
never start, and news later than a period, which are in test_away.py; and a fleet of one that restarts, whose gap nobody fills.
"""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sharding.fleet import HANDOVER, LATE, Fleet

totals = st.integers(1, 6)
chance = st.integers(0, 2**32).map(random.Random)  # much faster than st.randoms
steps = st.lists(st.tuples(totals, st.integers(0, 60)), min_size=1, max_size=4)


# 3 -> 2 -> 4 within a second, so that some miss the 2: the pod that had the slots is gone before the one that gets them is up.
@example(3, [(2, 1), (4, 100)], True, 6, random.Random(0))
# 6 -> 3 -> 4 while pod 3 was not deleted yet: Ready all the time, it gets slots that it has yet to load.
@example(6, [(3, 30), (4, 100)], True, 6, random.Random(0))
@settings(max_examples=40)
@given(totals, steps, st.booleans(), st.integers(0, 6), chance)
def test_no_slot_is_ever_missing(
    total: int, changes: list[tuple[int, int]], ordered: bool, working: int, rng: random.Random
) -> None:
    """If news arrive, pods start and slots load within a drain and a hand-over period, every slot is served in every second.

    With `OrderedReady` that is so even if pods beyond some ordinal never become Ready.
    """
    fleet = Fleet(total, ordered, total + working if ordered else 99, LATE, rng)
    fleet.settle()
    assert fleet.at_target()
    for replicas, seconds in changes:
        fleet.total = replicas
        for _ in range(seconds):
            if fleet.second():
                assert fleet.missing() == 0
    for _ in range(300):
        if fleet.second():
            assert fleet.missing() == 0

    if fleet.total <= fleet.stuck:
        fleet.settle()
        assert fleet.at_target()


several = st.integers(2, 5)


@settings(max_examples=15)
@given(
    several,
    st.lists(st.tuples(several, st.integers(0, 60)), max_size=3),
    st.booleans(),
    chance,
)
def test_rolling_update(total: int, changes: list[tuple[int, int]], ordered: bool, rng: random.Random) -> None:
    """Nothing is missing either while all pods are restarted one after another, and the fleet is scaled at the same time."""
    fleet = Fleet(total, ordered, 99, LATE, rng)
    fleet.settle()
    fleet.restarts = list(range(total))
    for replicas, seconds in [(total, rng.randint(0, 60)), *changes]:
        fleet.total = replicas
        for _ in range(seconds):
            if fleet.second():
                assert fleet.missing() == 0
    while fleet.restarts or not fleet.at_target():
        assert fleet.now < 2000
        if fleet.second():
            assert fleet.missing() == 0

    fleet.settle()
    assert fleet.at_target()


def test_a_pod_that_loads_for_longer_than_a_period() -> None:
    """A pod that is Ready all the time and gets slots back says that it has yet to load them: the others go on until it has."""
    fleet = Fleet(6, ordered=True, stuck=99, late=LATE, rng=random.Random(1))
    fleet.settle()
    fleet.total = 3
    for _ in range(30):  # two of the three that go are there, and wait for their turn
        fleet.second()
    (third,) = (each for each in fleet.alive if each.ordinal == 3)
    third.loads = 2 * HANDOVER
    fleet.total = 4
    unready = 0
    for _ in range(4 * HANDOVER):
        fleet.second()
        unready += third.ready_since is None
        assert fleet.missing() == 0

    assert unready > 0
    fleet.settle()
    assert fleet.at_target()
