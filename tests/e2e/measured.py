"""What a change of a fleet costs, as a line of a table: `tests/conftest.py` prints it after the tests, whether or not they pass."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from ksm_shard.sharding.murmur import MMH3, slot_of
from tests.e2e.load import Load
from tests.e2e.scrapes import objects
from tests.e2e.statefulset import Fleet

HEADER: Final = (
    "missing, twice: the most series at any scrape of all shards; listed, received, lists: from the API server, by all processes\n"
    f"{'change':24} {'missing':>7} {'twice':>6} {'twice for':>9} {'steady after':>12} {'listed':>9} {'received':>9} {'lists':>5} "
    f"{'changes/s':>9} {'rounds/s':>8}"
)
# What is asked for, a second. A machine of two cores that does other things besides makes at least half of it.
CHANGES: Final = 200.0
Tell = Callable[[str, object], None]


@dataclass(frozen=True)
class Step:
    """One change, from when it was asked for until all shards are steady and have been scraped.

    Attributes:
        missing: the most series that any round of scrapes lacked, and `lost` all that any of them lacked.
        twice, twice_for: the most series that any round had more than once, and for how many seconds any was.
        after: series missing or there twice in the first round of the new steady state.
        steady: seconds until then.
        listed, received: bytes read from the API server by all processes, in lists and altogether.
        lists: how many of these there were.
        changed, rounds: changes that were made, and rounds of scrapes, in `seconds`.
    """

    what: str
    missing: int
    lost: frozenset[str] = field(repr=False)
    twice: int
    twice_for: float
    after: int
    steady: float
    listed: int
    received: int
    lists: int
    changed: int
    rounds: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.what:24} {self.missing:7} {self.twice:6} {self.twice_for:7.1f} s {self.steady:10.1f} s "
            f"{self.listed / 1e6:6.2f} MB {self.received / 1e6:6.2f} MB {self.lists:5} "
            f"{self.changed / self.seconds:9.0f} {self.rounds / self.seconds:8.2f}"
        )


def measured(what: str, fleet: Fleet, act: Callable[[], None], tell: Tell) -> Step:
    """Do something with a fleet, wait until it is steady, and tell what that cost."""
    before, changed, began = fleet.counts(), fleet.load.changed, monotonic()
    act()
    fleet.settled()
    steady = monotonic()
    fleet.scraped()
    seconds, counts = monotonic() - began, fleet.counts()
    rounds = fleet.scrapes.since(began)
    doubles = [one for one in rounds if one.twice]
    last = fleet.scrapes.since(steady)[0]
    step = Step(
        what=what,
        missing=max(len(one.missing) for one in rounds),
        lost=frozenset[str]().union(*(one.missing for one in rounds)),
        twice=max(one.twice for one in rounds),
        twice_for=doubles[-1].ended - doubles[0].at if doubles else 0.0,
        after=len(last.missing) + last.twice,
        steady=steady - began,
        listed=counts["ksm_shard_listed_bytes_total"] - before["ksm_shard_listed_bytes_total"],
        received=counts["ksm_shard_received_bytes_total"] - before["ksm_shard_received_bytes_total"],
        lists=counts["kube_state_metrics_list_total"] - before["kube_state_metrics_list_total"],
        changed=fleet.load.changed - changed,
        rounds=len(rounds),
        seconds=seconds,
    )
    tell("measured", str(step))
    return step


def scale_restart_and_kill(fleet: Fleet, tell: Tell) -> None:
    """2 -> 3 -> 10 -> 4 and a rolling restart: nothing missing. A kill: what the killed shard owned is, until it is back."""
    fleet.scale(2)
    fleet.settled()
    fleet.expect()
    steps = [
        measured("2 -> 3", fleet, lambda: fleet.scale(3), tell),
        measured("3 -> 10", fleet, lambda: fleet.scale(10), tell),
        measured("10 -> 4", fleet, lambda: fleet.scale(4), tell),
        measured("rolling restart of 4", fleet, fleet.roll, tell),
    ]
    kill = measured("kill of 1 of 4", fleet, lambda: fleet.kill(1), tell)

    complete(steps)
    watched([*steps, kill])
    assert owners(kill.lost, fleet.load, 4) == {1}, "a kill costs series of the killed shard, and of no other"
    assert kill.after == 0, f"{kill.after} series are missing or there twice after the killed shard is back"


def complete(steps: Iterable[Step]) -> None:
    """Fail if a series was missing at any scrape, or was missing or there twice once all was steady again."""
    assert {step.what: (step.missing, step.after) for step in steps if step.missing or step.after} == {}


def watched(steps: list[Step]) -> None:
    """Fail if the machine was too slow for any of this to mean something: half of the changes, a third of the scrapes."""
    rate = sum(step.changed for step in steps) / sum(step.seconds for step in steps)
    assert rate >= CHANGES / 2, f"{rate:.0f} changes a second"
    assert {step.what: step.rounds for step in steps if step.rounds < step.seconds / 3} == {}


def owners(series: Iterable[str], load: Load, total: int) -> set[int]:
    """Return the shards that own the objects of these series."""
    shards = MMH3.target_map(total)
    return {shards[slot_of(load.uids[one])] for one in objects(series)}
