"""One member of a fleet, step by step: each test is a story told in the calls of `advance`. Whole fleets: test_handover.py."""

import pytest

from ksm_shard.sharding.handover import Member
from ksm_shard.sharding.masks import ALL, NONE, difference, intersection, union
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.state import Pod, State, StatefulSet, shard_of, static


def mask(shard: int, total: int) -> bytes:
    """Slots of a shard."""
    return MMH3.mask(shard, total)


def sts(replicas: int, start: int = 0) -> StatefulSet:
    """The StatefulSet that the pods here are of."""
    return StatefulSet("ksm", replicas, start)


def pods(
    *ready: int, returned: tuple[int, ...] = (), starting: tuple[int, ...] = (), deleting: tuple[int, ...] = ()
) -> list[Pod]:
    """Pods by ordinal."""
    return [
        *(Pod(f"ksm-{ordinal}", "2026-01-01T01:00:00Z", ordinal in deleting) for ordinal in returned),
        *(Pod(f"ksm-{ordinal}", "2026-01-01T00:00:00Z", ordinal in deleting) for ordinal in ready),
        *(Pod(f"ksm-{ordinal}") for ordinal in starting),
    ]


def begun(ordinal: int, total: int, now: float = 0) -> tuple[Member, State]:
    """A member that has loaded its share in a fleet where all are Ready."""
    member = Member(MMH3, f"ksm-{ordinal}")
    state = member.advance(State(), sts(total), pods(*range(total)), NONE, now)
    state = member.advance(state, sts(total), pods(*range(total)), state.held, now)
    assert (state.phase, state.held) == ("stable", mask(ordinal, total))
    return member, state


def test_start_from_nothing() -> None:
    """A starting pod loads its own share and nothing else, and is stable once that is loaded."""
    member = Member(MMH3, "ksm-1")

    state = member.advance(State(), sts(3), pods(starting=(0, 1, 2)), NONE, 0)
    assert (state.phase, state.held, state.gained, state.serving) == ("gaining", mask(1, 3), mask(1, 3), False)

    state = member.advance(state, sts(3), pods(starting=(0, 1, 2)), state.held, 5)
    assert (state.phase, state.gained, state.lost, state.serving) == ("stable", NONE, NONE, True)


def test_change_while_starting() -> None:
    """A pod that has not served yet drops what a new map takes from it: its first load is never more than its share."""
    member = Member(MMH3, "ksm-0")
    state = member.advance(State(), sts(2), pods(starting=(0, 1)), NONE, 0)

    state = member.advance(state, sts(10), pods(starting=tuple(range(10))), NONE, 1)

    assert state.held == mask(0, 10)


def test_scale_out() -> None:
    """An old owner keeps the slots of a new pod until that has been Ready for a hand-over period; then it is stable."""
    member, state = begun(0, 2)
    moving = difference(mask(0, 2), mask(0, 3))

    state = member.advance(state, sts(3), pods(0, 1, starting=(2,)), ALL, 100)
    assert (state.phase, state.held, state.held_for_others) == ("releasing", mask(0, 2), moving)

    state = member.advance(state, sts(3), pods(0, 1, 2), ALL, 500)
    assert (state.phase, state.held, state.due) == ("releasing", mask(0, 2), 545)

    state = member.advance(state, sts(3), pods(0, 1, 2), ALL, 545)
    assert (state.phase, state.held, state.lost, state.due) == ("stable", mask(0, 3), moving, None)


def test_ready_starts_again() -> None:
    """A new pod that is not Ready for a moment, even unseen between two looks, must be Ready for a whole period again."""
    member, state = begun(0, 1)
    state = member.advance(state, sts(2), [Pod("ksm-1", "10:00:00")], ALL, 100)

    state = member.advance(state, sts(2), [Pod("ksm-1", "10:00:40")], ALL, 140)
    assert (state.held, state.due) == (mask(0, 1), 185)

    state = member.advance(state, sts(2), [Pod("ksm-1", "10:00:40", deleting=True)], ALL, 185)
    assert state.held == mask(0, 1)


def test_never_ready() -> None:
    """The slots of a pod that never becomes Ready end where they would be without it; until the others have them, they stay."""
    member, state = begun(0, 1)
    view = pods(0, 1, starting=(2,))
    state = member.advance(state, sts(3), view, ALL, 100)

    for now in (145, 280, 324):  # settled; away for four periods, and nearly one more
        state = member.advance(state, sts(3), view, ALL, now)
        assert state.held == union(mask(0, 3), mask(2, 3))
    assert state.due == 325

    state = member.advance(state, sts(3), view, ALL, 325)
    assert (state.phase, state.held, state.due) == ("covering", mask(0, 2), None)


def test_never_ready_for_one_that_comes_later() -> None:
    """A pod that knows nothing of what was before takes its part of what a pod that is never Ready should have."""
    member = Member(MMH3, "ksm-1")
    view = pods(0, 1, starting=(2,))
    state = member.advance(State(), sts(3), view, NONE, 1000)
    state = member.advance(state, sts(3), view, state.held, 1010)
    assert (state.phase, state.held, state.due) == ("stable", mask(1, 3), 1045)
    state = member.advance(state, sts(3), view, state.held, 1045)
    assert (state.held, state.due) == (mask(1, 3), 1190)

    state = member.advance(state, sts(3), view, state.held, 1190)
    assert (state.phase, state.held) == ("gaining", mask(1, 2))


def test_scale_in_for_one_that_stays() -> None:
    """A pod that stays takes what it gains at once, and keeps serving what it had meanwhile."""
    member, state = begun(0, 3)
    gained = difference(mask(0, 2), mask(0, 3))

    state = member.advance(state, sts(2), pods(0, 1, 2), mask(0, 3), 100)
    assert (state.phase, state.held, state.gained, state.serving) == ("gaining", mask(0, 2), gained, True)

    state = member.advance(state, sts(2), pods(0, 1), ALL, 110)
    assert (state.phase, state.gained) == ("stable", NONE)


def test_scale_in_for_one_that_goes() -> None:
    """A pod out of range keeps what it has, whoever is Ready and however long it takes until it is stopped."""
    member, state = begun(2, 3)

    for now in (100, 1000):
        state = member.advance(state, sts(2), pods(0, 1, 2), ALL, now)
        assert (state.phase, state.held, state.own, state.due) == ("draining", mask(2, 3), NONE, None)


def test_scale_to_nothing() -> None:
    """Zero replicas is a fleet that drains."""
    member, state = begun(0, 1)

    assert member.advance(state, sts(0), pods(0), ALL, 100).phase == "draining"


def test_three_ten_two() -> None:
    """3 -> 10 -> 2 faster than anybody starts: the two that stay take all, the third drains, and no starting pod counts."""
    (zero, state0), (two, state2) = begun(0, 3), begun(2, 3)
    new = Member(MMH3, "ksm-7")
    state7 = new.advance(State(), sts(10), pods(0, 1, 2, starting=tuple(range(3, 10))), NONE, 100)
    state0 = zero.advance(state0, sts(10), pods(0, 1, 2, starting=tuple(range(3, 10))), mask(0, 3), 100)
    state2 = two.advance(state2, sts(10), pods(0, 1, 2, starting=tuple(range(3, 10))), mask(2, 3), 100)
    assert (state0.held, state2.held, state7.held) == (mask(0, 3), mask(2, 3), mask(7, 10))

    state7 = new.advance(state7, sts(2), pods(0, 1, 2, starting=tuple(range(3, 10))), NONE, 101)
    state0 = zero.advance(state0, sts(2), pods(0, 1, 2, starting=tuple(range(3, 10))), mask(0, 3), 101)
    state2 = two.advance(state2, sts(2), pods(0, 1, 2, starting=tuple(range(3, 10))), mask(2, 3), 101)

    assert (state0.held, state2.held, state7.held) == (mask(0, 2), mask(2, 3), NONE)
    assert [state.phase for state in (state0, state2, state7)] == ["gaining", "draining", "draining"]


def test_ready_pod_gets_time_to_load() -> None:
    """Slots that go to a pod that has long been Ready are kept for a period after the change: it must load them first."""
    member, state = begun(0, 2, now=0)
    state = member.advance(state, sts(1), pods(0, 1), mask(0, 2), 1000)
    assert state.held == ALL

    state = member.advance(state, sts(2), pods(0, 1), mask(0, 2), 1001)
    assert (state.held, state.due) == (ALL, 1046)  # and it finishes what it had begun to load

    state = member.advance(state, sts(2), pods(0, 1), ALL, 1046)
    assert (state.phase, state.held) == ("stable", mask(0, 2))


def test_rolling_restart() -> None:
    """While a deleted pod is away the others serve its slots, half each, from its drain until it has been Ready for a period."""
    (zero, state0), (one, state1), (two, state2) = begun(0, 3), begun(1, 3), begun(2, 3)
    mine, away = mask(0, 3), mask(1, 3)

    view = pods(0, 1, 2, deleting=(1,))
    state1 = one.advance(state1, sts(3), view, away, 100)
    assert (state1.phase, state1.held) == ("draining", away)
    state0 = zero.advance(state0, sts(3), view, mine, 100)
    state2 = two.advance(state2, sts(3), view, mask(2, 3), 100)
    half = state0.gained
    assert (state0.phase, state0.held, state0.covering) == ("gaining", union(mine, half), half)
    assert union(half, state2.gained) == away
    assert intersection(half, state2.gained) == NONE
    assert 0.45 < half.count(1) / away.count(1) < 0.55

    for now, view in (110, pods(0, 1, 2, deleting=(1,))), (145, pods(0, 2)), (146, pods(0, 2, starting=(1,))):
        state0 = zero.advance(state0, sts(3), view, ALL, now)
        assert (state0.phase, state0.covering, state0.gained, state0.lost) == ("covering", half, NONE, NONE)

    state0 = zero.advance(state0, sts(3), pods(0, 2, returned=(1,)), ALL, 150)
    assert (state0.phase, state0.covering, state0.due) == ("covering", half, 195)

    state0 = zero.advance(state0, sts(3), pods(0, 2, returned=(1,)), ALL, 195)
    assert (state0.phase, state0.held, state0.lost, state0.due, state0.deleted) == ("stable", mine, half, None, {})


def test_restarted_pod_never_returns() -> None:
    """A deleted pod that never returns is covered for ever."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 1, 2, deleting=(1,)), ALL, 100)

    after = member.advance(state, sts(3), pods(0, 2, starting=(1,)), ALL, 1e9)

    assert (after.phase, after.held, after.due) == ("covering", state.held, None)


def test_covering_pod_goes_away() -> None:
    """What a covering pod covered goes to the next: here to the last one that is there."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 1, 2, deleting=(1,)), ALL, 100)

    state = member.advance(state, sts(3), pods(0, 2, starting=(1,), deleting=(2,)), ALL, 150)

    assert (state.held, state.covering) == (ALL, difference(ALL, mask(0, 3)))


def test_pod_that_came_later_is_not_relied_on() -> None:
    """A pod that started while another was away does not know that it must cover it: the slots stay with those who do."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 1, 2, deleting=(1, 2)), ALL, 100)
    state = member.advance(state, sts(3), pods(0, returned=(2,)), ALL, 150)
    assert state.held == ALL

    new = Member(MMH3, "ksm-2")
    late = new.advance(State(), sts(3), pods(0, 1, starting=(2,), deleting=(1,)), NONE, 140)
    late = new.advance(late, sts(3), pods(0, returned=(2,)), late.held, 150)
    assert (late.phase, late.held) == ("stable", mask(2, 3))


def test_disagreement_about_who_can_cover() -> None:
    """A pod that saw another become Ready and a third deleted at once does not rely on the other; all is covered all the same."""
    members = [begun(ordinal, 4) for ordinal in (0, 1)]
    states = [member.advance(state, sts(4), pods(0, 1, 2), ALL, 100) for member, state in members]
    three = Member(MMH3, "ksm-3")
    new = three.advance(State(), sts(4), pods(0, 1, 2, starting=(3,)), NONE, 105)

    states[1] = members[1][0].advance(states[1], sts(4), pods(0, 1, 2, returned=(3,)), ALL, 110)
    new = three.advance(new, sts(4), pods(0, 1, 2, returned=(3,)), new.held, 110)
    states = [
        member.advance(state, sts(4), pods(0, 1, 2, returned=(3,), deleting=(2,)), ALL, 111)
        for member, state in zip([*(member for member, _ in members), three], [*states, new], strict=True)
    ]

    assert states[0].covering.count(1) > states[1].covering.count(1)
    covering = [intersection(state.covering, mask(2, 4)) for state in states]
    assert union(union(*covering[:2]), covering[2]) == mask(2, 4)


def test_deleted_again() -> None:
    """A pod that is deleted soon after it became Ready is covered by all who saw that, those that restarted before included."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 1, 2, deleting=(2,)), ALL, 100)
    state = member.advance(state, sts(3), pods(0, 1, returned=(2,)), ALL, 150)
    state = member.advance(state, sts(3), pods(0, 1, returned=(2,), deleting=(1,)), ALL, 151)

    assert 0.45 < intersection(state.covering, mask(1, 3)).count(1) / mask(1, 3).count(1) < 0.55


def test_all_deleted_at_once() -> None:
    """When all pods are deleted nobody loads anything: one that goes itself drops what it was to cover and has not loaded."""
    member, state = begun(0, 3)
    seen_late = member.advance(state, sts(3), pods(0, 1, 2, deleting=(1, 2)), mask(0, 3), 100)
    assert seen_late.held == ALL

    for before in state, seen_late:
        after = member.advance(before, sts(3), pods(0, 1, 2, deleting=(0, 1, 2)), mask(0, 3), 101)
        assert (after.phase, after.held, after.covering) == ("draining", mask(0, 3), NONE)


def test_draining_pod_keeps_what_it_covers() -> None:
    """A pod that covers goes on doing so while it drains, as far as it has loaded."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(2), pods(0, 1, deleting=(1,)), mask(0, 2), 100)

    after = member.advance(state, sts(2), pods(0, 1, deleting=(0, 1)), ALL, 110)

    assert (after.phase, after.held, after.covering) == ("draining", ALL, mask(1, 2))


@pytest.mark.parametrize("view", [pods(0, 2), pods(0, 2, starting=(1,))], ids=["vanished", "not Ready"])
def test_killed_pod(view: list[Pod]) -> None:
    """A pod that goes without having been deleted may be back in seconds: it is covered once it has been away for four periods."""
    member, state = begun(0, 3)

    state = member.advance(state, sts(3), view, ALL, 100)
    assert (state.held, state.due) == (mask(0, 3), 280)

    state = member.advance(state, sts(3), view, ALL, 280)
    assert state.phase == "covering"
    assert 0.45 < intersection(state.covering, mask(1, 3)).count(1) / mask(1, 3).count(1) < 0.55


def test_killed_pods_of_a_fleet_that_starts() -> None:
    """Only a pod that serves counts how long others are away, so that none begins with more than its share."""
    member = Member(MMH3, "ksm-0")
    state = member.advance(State(), sts(9), pods(starting=(0,)), NONE, 0)
    state = member.advance(state, sts(9), pods(starting=(0,)), NONE, 1000)
    assert state.held == mask(0, 9)

    state = member.advance(state, sts(9), pods(0), state.held, 1001)
    assert (state.held, state.due) == (mask(0, 9), 1046)
    state = member.advance(state, sts(9), pods(0), state.held, 1046)
    assert (state.held, state.due) == (mask(0, 9), 1181)


def test_young_pods_are_not_relied_on() -> None:
    """A pod that is Ready for less than three periods will not take over at once what it should: others do, until it has."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 2), ALL, 100)
    shared = member.advance(state, sts(3), pods(0, 2), ALL, 280)
    state = member.advance(state, sts(3), pods(0, returned=(2,)), ALL, 200)

    state = member.advance(state, sts(3), pods(0, returned=(2,)), ALL, 280)
    assert (state.held, state.due) == (union(mask(0, 3), mask(1, 3)), 325)

    state = member.advance(state, sts(3), pods(0, returned=(2,)), ALL, 424)
    assert (state.held, state.due) == (union(mask(0, 3), mask(1, 3)), 425)
    assert member.advance(state, sts(3), pods(0, returned=(2,)), ALL, 425).held == shared.held


def test_change_is_over_when_all_have_settled() -> None:
    """Who had what before a change is forgotten with the last hand-over period, though nothing is held for anybody."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(2), pods(0, 1, 2, deleting=(2,)), ALL, 100)
    state = member.advance(state, sts(2), pods(0, 1), ALL, 130)
    assert (state.phase, state.due) == ("stable", 145)

    assert member.advance(state, sts(2), pods(0, 1), ALL, 145).due is None


def test_lost_node() -> None:
    """A pod that was not Ready before it was deleted is covered too: on a node that is down, it stays for as long as that is."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(2), pods(0, starting=(1,)), ALL, 100)

    assert member.advance(state, sts(2), [*pods(0), Pod("ksm-1", deleting=True)], ALL, 400).held == ALL


def test_starting_pod_never_covers() -> None:
    """A pod that has yet to load its own share takes nothing over."""
    member = Member(MMH3, "ksm-0")
    state = member.advance(State(), sts(3), pods(1, 2, starting=(0,)), NONE, 0)

    state = member.advance(state, sts(3), pods(1, 2, starting=(0,), deleting=(1, 2)), NONE, 5)

    assert state.held == mask(0, 3)


def test_nobody_to_cover() -> None:
    """A fleet of one has nobody who could cover it, and pods out of range need no cover."""
    member, state = begun(0, 1)
    assert member.advance(state, sts(1), pods(0, deleting=(0,)), ALL, 100).held == ALL

    member, state = begun(0, 2)
    state = member.advance(state, sts(1), pods(0, 1, deleting=(1,)), ALL, 100)
    assert (state.phase, state.held, state.covering) == ("stable", ALL, NONE)


def test_scale_in_onto_a_pod_that_is_not_ready() -> None:
    """Slots that go from a pod that drains to one that is not Ready are covered by the others; the killed pod's own are not."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(2), pods(0, 2, starting=(1,), deleting=(2,)), ALL, 100)

    assert state.covering == intersection(mask(1, 2), mask(2, 3))


def test_scale_out_while_a_pod_restarts() -> None:
    """Slots that go from a pod that is deleted to one that is still starting are covered."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(3), pods(0, 1, starting=(2,)), ALL, 100)

    state = member.advance(state, sts(3), pods(0, 1, starting=(2,), deleting=(1,)), ALL, 101)

    assert state.held == ALL


def test_scale_out_in_another_order_while_a_pod_restarts() -> None:
    """So are those that go to a pod in the middle, which is still starting when a later one is Ready."""
    (zero, state0), new = begun(0, 2), Member(MMH3, "ksm-3")
    state3 = new.advance(State(), sts(4), pods(0, 1, starting=(2, 3)), NONE, 100)
    view = pods(0, 1, starting=(2,), returned=(3,))
    state0, state3 = zero.advance(state0, sts(4), view, ALL, 105), new.advance(state3, sts(4), view, state3.held, 105)

    view = pods(0, 1, starting=(2,), returned=(3,), deleting=(1,))
    state0, state3 = zero.advance(state0, sts(4), view, ALL, 110), new.advance(state3, sts(4), view, ALL, 110)

    assert difference(mask(1, 2), union(state0.held, state3.held)) == NONE


def test_restart_during_hand_over() -> None:
    """What was let go stays away when the new owner restarts; what is still held for it is held on."""
    member, state = begun(0, 1)
    state = member.advance(state, sts(3), pods(0, 1), ALL, 100)
    state = member.advance(state, sts(3), pods(0, 1), ALL, 145)
    assert state.held == union(mask(0, 3), mask(2, 3))

    state = member.advance(state, sts(3), pods(0, starting=(1, 2)), ALL, 200)

    assert state.held == union(mask(0, 3), mask(2, 3))


def test_first_ordinal() -> None:
    """`spec.ordinals.start` is taken off the ordinal, and pods are looked up by it; a new start is a new map."""
    member = Member(MMH3, "ksm-5")
    state = member.advance(State(), sts(2, start=5), pods(5), NONE, 0)
    assert (state.shard, state.held) == (0, mask(0, 2))

    state = member.advance(state, sts(2, start=4), pods(4, 5), state.held, 100)
    assert (state.shard, state.held, state.ready.keys()) == (1, ALL, {"ksm-4", "ksm-5"})


@pytest.mark.parametrize(
    "gone", [None, StatefulSet("other", 5), sts(1001)], ids=["vanished", "not its own", "too many"]
)
def test_last_known_ownership(gone: StatefulSet | None) -> None:
    """A StatefulSet that vanished or makes no sense changes nothing but the problem line, until it is back."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(3), pods(0, 1, 2), ALL, 100)

    kept = member.advance(state, gone, pods(0, 1), ALL, 1000)
    assert (kept.phase, kept.held, kept.gained, kept.lost, kept.due) == ("releasing", state.held, NONE, NONE, None)
    assert kept.problem

    back = member.advance(kept, sts(3), pods(0, 1, 2), ALL, 1001)
    assert (back.phase, back.held, back.problem) == ("stable", mask(0, 3), "")


def test_vanished_before_it_was_seen() -> None:
    """A pod that never saw its StatefulSet waits and serves nothing."""
    state = Member(MMH3, "ksm-0").advance(State(), None, None, NONE, 0)

    assert (state.phase, state.held, state.problem) == ("waiting", NONE, "the StatefulSet of this pod cannot be read")


def test_loaded_while_vanished() -> None:
    """Loading goes on while the StatefulSet cannot be read."""
    member = Member(MMH3, "ksm-0")
    state = member.advance(State(), sts(2), pods(starting=(0,)), NONE, 0)

    state = member.advance(state, None, None, state.held, 5)

    assert (state.phase, state.serving) == ("stable", True)


def test_pods_may_not_be_read() -> None:
    """Without the right to see pods nothing is ever let go, and what is gained is still taken."""
    member, state = begun(1, 2)

    state = member.advance(state, sts(3), None, ALL, 100)
    assert member.advance(state, sts(3), None, ALL, 1e9).held == mask(1, 2)

    assert intersection(member.advance(state, sts(1), None, ALL, 1e9).held, mask(1, 2)) == mask(1, 2)


def test_pods_may_not_be_read_any_more() -> None:
    """What was known of the pods stays, one that is going included; how long others have been away is counted anew."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(3), pods(0, 1), ALL, 100)
    state = member.advance(state, sts(3), pods(0, 1, deleting=(1,)), ALL, 270)
    taken = intersection(state.held, mask(1, 3))

    blind = member.advance(state, sts(3), None, ALL, 1000)
    assert (blind.held, blind.ready, blind.absent) == (state.held, state.ready, {})

    back = member.advance(blind, sts(3), pods(0, returned=(1,)), ALL, 1001)
    assert (intersection(back.held, mask(1, 3)), back.absent) == (taken, {"ksm-2": 1001})

    gone = member.advance(state, sts(3), pods(0, 1, deleting=(0, 1)), ALL, 280)
    assert member.advance(gone, sts(3), None, ALL, 281).phase == "draining"


def test_nothing_is_let_go_on_old_news() -> None:
    """Slots are let go only by who is sure that the pod that has been Ready for long enough still is."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(3), pods(0, 1, 2), ALL, 100)

    unsure = member.advance(state, sts(3), pods(0, 1, 2), ALL, 145, sure=False)
    assert (unsure.phase, unsure.held, unsure.lost) == ("releasing", mask(0, 2), NONE)

    assert member.advance(unsure, sts(3), pods(0, 1, 2), ALL, 146).held == mask(0, 3)


def test_leaving() -> None:
    """A pod is about to let go what it has for others, from the moment it has it; of its own nothing, unless it drains."""
    member, state = begun(0, 3)
    assert (state.leaving, State().leaving, static(MMH3, 0, 3).leaving) == (NONE, NONE, NONE)

    covering = member.advance(state, sts(3), pods(0, 1, 2, deleting=(1,)), ALL, 100)
    assert (covering.leaving, covering.leaving_since) == (covering.covering, 100)

    releasing = member.advance(state, sts(4), pods(0, 1, 2), ALL, 100)
    assert (releasing.leaving, releasing.leaving_since) == (difference(mask(0, 3), mask(0, 4)), 100)
    assert member.advance(releasing, sts(3), pods(0, 1, 2), ALL, 101).leaving == NONE

    draining = member.advance(state, sts(3), pods(0, 1, 2, deleting=(0,)), ALL, 100)
    assert draining.leaving == mask(0, 3)


def test_a_scraper_that_comes_rarely_is_waited_for() -> None:
    """Slots stay until each scraper has had them once since they are leaving, for one more period at most."""
    member, state = begun(0, 2)
    state = member.advance(state, sts(3), pods(0, 1), ALL, 100)
    state = member.advance(state, sts(3), pods(0, 1, 2), ALL, 101)

    waiting = member.advance(state, sts(3), pods(0, 1, 2), ALL, 146, scraped=99)
    assert (waiting.phase, waiting.held, waiting.due) == ("releasing", mask(0, 2), 190)

    for now, scraped in (147, 100), (190, 99):
        assert member.advance(waiting, sts(3), pods(0, 1, 2), ALL, now, scraped=scraped).phase == "stable"


def test_a_pod_does_not_count_on_itself_before_others_do() -> None:
    """Who was not Ready for a moment keeps what it covers, and takes no more: the others took its part over."""
    member, state = begun(0, 4)
    state = member.advance(state, sts(4), pods(0, 1, 2), ALL, 100)
    state = member.advance(state, sts(4), pods(0, 1, 2), ALL, 280)
    held = state.held
    for now, view in (300, pods(starting=(0, 1, 2))), (310, pods(returned=(0, 1, 2))), (444, pods(returned=(0, 1, 2))):
        state = member.advance(state, sts(4), view, ALL, now)
        assert (state.phase, state.held, state.gained) == ("covering", held, NONE)

    deleted = member.advance(state, sts(4), pods(0, 2, returned=(1,), deleting=(2,)), ALL, 450)
    again = member.advance(deleted, sts(4), pods(returned=(1, 0)), ALL, 460)
    assert again.held == deleted.held


def test_late() -> None:
    """A pod that has not loaded its own slots half a period after the change must not be Ready: others are about to let go."""
    member, state = begun(0, 3)
    state = member.advance(state, sts(2), pods(0, 1), mask(0, 3), 100)
    assert (state.unready, state.due) == ("", 122.5)

    state = member.advance(state, sts(2), pods(0, 1), mask(0, 3), 122.5)
    gained = difference(mask(0, 2), mask(0, 3)).count(1)
    assert (state.unready, state.serving) == (f"{gained} slots are not loaded, others go on serving them", True)

    assert member.advance(state, sts(2), pods(0, 1), ALL, 130).unready == ""


def test_static() -> None:
    """Static sharding is one state."""
    state = static(MMH3, 1, 3)

    assert (state.phase, state.shard, state.total, state.held) == ("static", 1, 3, mask(1, 3))


@pytest.mark.parametrize(("pod", "start", "shard"), [("ksm-0", 0, 0), ("ksm-12", 10, 2), ("ksm-3", 5, -2)])
def test_ordinal(pod: str, start: int, shard: int) -> None:
    """The shard is the number at the end of the pod's name less the first ordinal."""
    assert shard_of(pod, sts(3, start)) == shard


@pytest.mark.parametrize("pod", ["ksm", "ksm-", "ksm-x", "ksm-01", "ksm-1-0", "other-1", "xksm-1"])
def test_no_ordinal(pod: str) -> None:
    """Any other name is refused with a line that says how it would be called."""
    with pytest.raises(
        ValueError, match=f"pod '{pod}' is not one of StatefulSet 'ksm': it would be called 'ksm-<ordinal>'"
    ):
        shard_of(pod, sts(3))
