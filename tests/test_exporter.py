"""When a process is ready and what it shows, by how far its reflectors and its membership are. Nothing is followed here.

That lists and events get into the store is in tests/collector/test_sink.py; whole processes are in tests/e2e.
"""

import time
from dataclasses import replace

import pytest

from ksm_shard.assembly import export
from ksm_shard.cluster.client import connect
from ksm_shard.collector.targets import Scope
from ksm_shard.collector.timestamps import LEAD
from ksm_shard.exporter import Exporter
from ksm_shard.kinds import resources
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings import parse
from ksm_shard.sharding.handover import Member
from ksm_shard.sharding.masks import ALL, NONE
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import Pod, State, StatefulSet, static
from ksm_shard.store.pages import text_pieces
from ksm_shard.web.scrapers import Scraper
from ksm_shard.web.source import Scrape

ALL_OF_IT = Scrape(lambda _: True, openmetrics=False, scraper=Scraper(), draining=False)
MEMBER = Member(MMH3, "ksm-0")
PODS = [Pod("ksm-0", "1"), Pod("ksm-1", "1")]


def exporter(state: State, *names: str, scope: Scope | None = None, timestamps: bool = False) -> Exporter:
    """An exporter of some resources whose reflectors have not begun."""
    ownership = Ownership(MMH3, state.held)
    exported = [export(resources()[name], parse([], {}), Filters(), ownership) for name in names]
    server = connect("http://127.0.0.1:1")
    return Exporter(
        exported, ownership, server, scope or Scope(), state,
        version="1", settings="", pod="" if state.phase == "static" else MEMBER.pod, timestamps=timestamps,
    )  # fmt: skip


@pytest.fixture
def alone() -> Exporter:
    """Pods of two namespaces, nodes: three reflectors of a process that has it all to itself."""
    return exporter(static(MMH3, 0, 1), "pods", "nodes", scope=Scope(namespaces=["a", "b"]))


def listed(one: Exporter, *which: int) -> None:
    """Complete a list of some reflectors, of no objects; of all if none are named."""
    for followed in [one._followed[number] for number in which] or one._followed:
        followed.sink.start_list()
        followed.sink.end_list("1")


def refused(one: Exporter, which: int, times: int = 2) -> None:
    """Have a reflector refused so many times."""
    reflector = one._followed[which].reflector
    reflector.state, reflector.refusals = "forbidden", times


def shown(one: Exporter) -> list[str]:
    """The resources that are in a scrape."""
    return sorted(one._listed())


def test_one_refusal_is_waited_for(alone: Exporter) -> None:
    """A reflector that was refused once is not left out yet; one that was refused twice is, with a note."""
    listed(alone, 0, 2)
    refused(alone, 1, times=1)
    assert not alone.readiness().ready

    refused(alone, 1)
    assert (alone.readiness().ready, alone.readiness().notes) == (True, ["pods: forbidden (not waited for)"])


def test_not_ready_with_nothing(alone: Exporter) -> None:
    """A process that is refused everything has nothing to be ready with."""
    for which in range(3):
        refused(alone, which)

    assert "nothing that is followed can be read" in alone.readiness().problems


def test_a_refused_namespace_hides_no_other(alone: Exporter) -> None:
    """What the other namespaces have is shown, also while the refused one is asked for again; only a first list hides it."""
    listed(alone, 0, 2)
    assert shown(alone) == ["nodes"]
    refused(alone, 1)
    assert shown(alone) == ["nodes", "pods"]

    alone._followed[1].reflector.state = "listing"
    assert shown(alone) == ["nodes", "pods"]


def test_a_refused_resource_is_not_shown(alone: Exporter) -> None:
    """A resource that has been listed nowhere is left out, also while its first list is under way at last."""
    listed(alone, 2)
    refused(alone, 0)
    refused(alone, 1)
    assert shown(alone) == ["nodes"]

    alone._followed[0].reflector.state = "listing"
    assert shown(alone) == ["nodes"]


def advance(one: Exporter, state: State, replicas: int, now: float) -> State:
    """Take another step of the membership."""
    state = MEMBER.advance(state, StatefulSet("ksm", replicas), PODS[:replicas], one.loaded(), now)
    one.become(state)
    return state


def test_a_list_of_fewer_slots_is_not_enough() -> None:
    """A shard whose first list began before a change gave it more is ready when that is loaded as well."""
    state = MEMBER.advance(State(), StatefulSet("ksm", 2), PODS, NONE, 0)
    one = exporter(state, "pods")
    one._followed[0].sink.start_list()
    state = advance(one, state, 1, 1)
    one._followed[0].sink.end_list("1")
    state = advance(one, state, 1, 2)
    assert one.readiness().problems == [f"{MMH3.mask(1, 2).count(1)} slots are not loaded"]
    assert one.scrape(ALL_OF_IT) is None

    listed(one)
    advance(one, state, 1, 3)
    assert one.readiness().ready


def test_a_shard_that_loads_too_slowly_is_not_ready() -> None:
    """Half a hand-over period after a change it stops being ready until it has loaded; what it has is served all the time."""
    state = MEMBER.advance(State(), StatefulSet("ksm", 2), PODS, NONE, 0)
    one = exporter(state, "pods")
    listed(one)
    state = advance(one, state, 2, 1)
    ready = []
    for now, load in [(100, False), (122, False), (122.5, False), (123, True)]:
        if load:
            listed(one)
        state = advance(one, state, 1, now)
        ready.append(one.readiness().ready)
        assert one.scrape(ALL_OF_IT) is not None

    assert ready == [True, True, False, True]


def test_a_pod_that_is_not_to_be_counted_on_is_not_ready() -> None:
    """Nor does it stop serving what it knows: a PodMonitor scrapes it all the same."""
    state = MEMBER.advance(State(), StatefulSet("ksm", 1), PODS[:1], NONE, 0)
    one = exporter(state, "pods")
    listed(one)
    state = advance(one, state, 1, 1)
    assert one.readiness().ready

    one.become(replace(state, unready="the pods cannot be watched"))

    assert (one.readiness().ready, one.readiness().problems) == (False, ["the pods cannot be watched"])
    assert one.scrape(ALL_OF_IT) is not None


def test_slots_lost_are_told_until_the_next_change() -> None:
    """News that change nothing leave them as they are."""
    state = MEMBER.advance(State(), StatefulSet("ksm", 1), PODS[:1], NONE, 0)
    one = exporter(state, "pods")
    for lost, gained in [(MMH3.mask(1, 2), NONE), (NONE, NONE)]:
        one.become(replace(state, lost=lost, gained=gained))
        assert one.status().slots.lost == MMH3.mask(1, 2)

    one.become(replace(state, gained=ALL))
    assert one.status().slots.lost == NONE


@pytest.fixture
def leaver() -> Exporter:
    """A shard of pods that writes timestamps; it has one in each of two slots, of which it gives one away."""
    one = exporter(static(MMH3, 0, 1), "pods", timestamps=True)
    listed(one)
    for key, slot in (("a", MMH3.mask(0, 2).index(1)), ("b", MMH3.mask(1, 2).index(1))):
        one._exported["pods"].store.put(key, slot, [f"{key} 1\n"] + [""] * (len(one._exported["pods"].families) - 1))
    return one


def stamps(one: Exporter, scraper: Scraper, *, draining: bool = False) -> dict[str, float | None]:
    """Scrape; return the seconds by which the timestamp of each sample is ahead of the clock, None without one."""
    bodies = one.scrape(replace(ALL_OF_IT, scraper=scraper, draining=draining))
    now = time.time()
    scraped = time.monotonic()
    one.scrapers.completed(scraper, scraped, "prometheus")
    lines = [line.split(" ") for line in b"".join(text_pieces(bodies or [])).decode().splitlines() if line[0] != "#"]
    return {name: int(stamp[0]) / 1000 - now if stamp else None for name, _, *stamp in lines}


def gives_away(one: Exporter) -> None:
    """Hold all slots, of which only the first half is its own."""
    half = MMH3.mask(0, 2)
    one.become(State(phase="releasing", total=2, shard=0, own=half, held=ALL, leaving=MMH3.mask(1, 2), serving=True))


def test_only_what_is_held_for_others_has_timestamps(leaver: Exporter) -> None:
    """Those that anybody gets first are a little ahead of time, which keeps staleness markers out; later ones are not."""
    scraper = Scraper()
    assert stamps(leaver, scraper) == {"a": None, "b": None}

    gives_away(leaver)
    first, second = stamps(leaver, scraper), stamps(leaver, scraper)

    assert first["a"] is second["a"] is None
    assert LEAD - 0.1 < first["b"] <= LEAD
    assert -0.1 < second["b"] <= 0
    assert stamps(leaver, Scraper())["b"] > 0


def test_a_process_that_is_told_to_stop_writes_timestamps_on_all(leaver: Exporter) -> None:
    """From SIGTERM on, whatever the membership knows of it yet."""
    gives_away(leaver)
    scraper = Scraper()

    shown = stamps(leaver, scraper, draining=True)
    gives_away(leaver)

    assert None not in shown.values()
    assert None not in stamps(leaver, scraper, draining=True).values()
    assert -0.1 < stamps(leaver, scraper, draining=True)["a"] <= 0


def test_timestamps_are_written_only_where_asked_for(alone: Exporter) -> None:
    """Without the option not even a process that is told to stop writes any."""
    listed(alone)
    alone._exported["pods"].store.put("a", 1, ["a 1\n"] + [""] * (len(alone._exported["pods"].families) - 1))

    assert stamps(alone, Scraper(), draining=True) == {"a": None}


def test_who_waits_for_a_scrape_is_told_of_it(leaver: Exporter) -> None:
    """Only while something is about to go; when the last of all began is known."""
    told: list[float] = []
    leaver.on_news = lambda: told.append(leaver.scraped())
    scraper = Scraper()
    stamps(leaver, scraper)
    assert told == []

    gives_away(leaver)
    told.clear()
    stamps(leaver, scraper)

    assert told == [scraper.began]
