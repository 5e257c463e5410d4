"""When a process is ready and what it shows, by how far its reflectors and its membership are; collectors that are replaced.

That lists and events get into the store is in tests/collector; whole processes are in tests/e2e.
"""

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ksm_shard.assembly import Recipes, collector
from ksm_shard.cluster.client import ApiServer, connect
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.informer import Informer
from ksm_shard.collector.pending import Allowance
from ksm_shard.collector.recipe import Recipe
from ksm_shard.collector.replacement import Replacement
from ksm_shard.collector.timestamps import LEAD, Handover
from ksm_shard.exporter import Exporter, Terms
from ksm_shard.membership.protocol import Membership, MembershipListener
from ksm_shard.membership.selfcheck import Needs
from ksm_shard.membership.static import StaticMembership
from ksm_shard.settings import parse
from ksm_shard.sharding.handover import Member
from ksm_shard.sharding.masks import ALL, NONE, difference
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import Phase, Pod, State, StatefulSet
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.status.custom import CustomStatus, DeclaredStatus
from ksm_shard.status.model import Sibling
from ksm_shard.status.report import Report
from ksm_shard.status.setup import Setup, SetupCheck
from ksm_shard.status.states import ReflectorState
from ksm_shard.store.pages import text_pieces
from ksm_shard.web.scrapers import Scraper
from ksm_shard.web.source import Scrape
from tests.e2e.test_storm import pod
from tests.processes import eventually

ALL_OF_IT = Scrape(lambda _: True, openmetrics=False, scraper=Scraper(), draining=False)
MEMBER = Member(MMH3, "ksm-0")
PODS = [Pod("ksm-0", "1"), Pod("ksm-1", "1")]


class Told:
    """A membership that is what the test says."""

    pod = MEMBER.pod

    def __init__(self, ownership: Ownership, state: State) -> None:
        """Begin with a state."""
        self._ownership = ownership
        self.listener: MembershipListener | None = None
        self.noticed = 0
        self.found: Setup = {}
        self.become(state)

    def become(self, state: State) -> None:
        """Put a state into force."""
        self._state = state
        self._ownership.change(state.held)
        if self.listener is not None:
            self.listener.changed(state)

    def state(self) -> State:
        return self._state

    def phase_seconds(self) -> float:
        return 0.0

    def lost(self) -> bytes:
        return self._state.lost

    def siblings(self) -> Sequence[Sibling]:
        return ()

    def watches(self) -> Mapping[str, str]:
        return {}

    def setup(self) -> Setup:
        return self.found

    def adjust(self, needs: Needs) -> None:
        del needs

    def start(self, listener: MembershipListener) -> None:
        self.listener = listener

    def notice(self) -> None:
        self.noticed += 1

    def threads(self) -> Sequence[threading.Thread]:
        return ()

    def stop(self) -> None:
        pass


def terms(ownership: Ownership, *names: str, **more: str) -> Terms:
    """What settings ask for that name these resources, with other flags by their names."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
    recipes = Recipes(parse([f"--resources={','.join(names)}", *flags], {}), ownership).builtin()
    return Terms(sorted(recipes, key=lambda one: names.index(one.name)))


def made(server: ApiServer, ownership: Ownership, wanted: Terms, membership: Membership, **more: Any) -> Exporter:
    """An exporter that follows a server."""
    return Exporter(
        lambda recipe: collector(recipe, ownership, server, Allowance()),
        wanted,
        ownership,
        membership,
        server,
        version="1",
        **more,
    )


def exporter(membership: Told | None, *names: str, namespaces: str = "", timestamps: bool = False) -> Exporter:
    """An exporter of some resources whose reflectors have not begun; with fixed shards if there is no membership."""
    server = connect("http://127.0.0.1:1")
    if membership is not None:
        ownership = membership._ownership
        membership.listener = one = made(server, ownership, terms(ownership, *names), membership, timestamps=timestamps)
        return one
    ownership = Ownership(MMH3, ALL)
    return made(server, ownership, terms(ownership, *names, namespaces=namespaces), StaticMembership(MMH3, 0, 1))


def informers(one: Exporter) -> list[Informer]:
    """All informers, in order."""
    return [informer for made in one._collectors.exported.values() for informer in made.informers]


@pytest.fixture
def alone() -> Exporter:
    """Pods of two namespaces, nodes: three reflectors of a process that has it all to itself."""
    return exporter(None, "pods", "nodes", namespaces="a,b")


def listed(one: Exporter, *which: int) -> None:
    """Complete a list of some reflectors, of no objects; of all if none are named."""
    for informer in [informers(one)[number] for number in which] or informers(one):
        informer.sink.start_list()
        informer.sink.end_list("1")
    noticed(one)


def refused(one: Exporter, which: int, times: int = 2) -> None:
    """Have a reflector refused so many times."""
    reflector = informers(one)[which].reflector
    reflector.state, reflector.refusals = ReflectorState.FORBIDDEN, times
    noticed(one)


def noticed(one: Exporter) -> None:
    """Have what was done to the reflectors noticed, as their observers do where they run."""
    for made in one._collectors.exported.values():
        made._news = one.notice
        made._tell()


def shown(one: Exporter) -> list[str]:
    """The resources that are in a scrape."""
    return sorted(name for name, made in one._collectors.exported.items() if made.shown)


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

    informers(alone)[1].reflector.state = ReflectorState.LISTING
    assert shown(alone) == ["nodes", "pods"]


def test_a_refused_resource_is_not_shown(alone: Exporter) -> None:
    """A resource that has been listed nowhere is left out, also while its first list is under way at last."""
    listed(alone, 2)
    refused(alone, 0)
    refused(alone, 1)
    assert shown(alone) == ["nodes"]

    informers(alone)[0].reflector.state = ReflectorState.LISTING
    assert shown(alone) == ["nodes"]


def advance(one: Exporter, told: Told, replicas: int, now: float) -> None:
    """Take another step of the membership."""
    told.become(MEMBER.advance(told.state(), StatefulSet("ksm", replicas), PODS[:replicas], one.loaded(), now))


def joined(replicas: int) -> Told:
    """Return the membership of a pod that has just seen its StatefulSet."""
    state = MEMBER.advance(State(), StatefulSet("ksm", replicas), PODS[:replicas], NONE, 0)
    return Told(Ownership(MMH3), state)


def test_a_list_of_fewer_slots_is_not_enough() -> None:
    """A shard whose first list began before a change gave it more is ready when that is loaded as well."""
    told = joined(2)
    one = exporter(told, "pods")
    informers(one)[0].sink.start_list()
    advance(one, told, 1, 1)
    informers(one)[0].sink.end_list("1")
    noticed(one)
    advance(one, told, 1, 2)
    assert one.readiness().problems == [f"{MMH3.mask(1, 2).count(1)} slots are not loaded"]
    assert one.scrape(ALL_OF_IT) is None

    listed(one)
    advance(one, told, 1, 3)
    assert one.readiness().ready


def test_a_shard_that_loads_too_slowly_is_not_ready() -> None:
    """Half a hand-over period after a change it stops being ready until it has loaded; what it has is served all the time."""
    told = joined(2)
    one = exporter(told, "pods")
    listed(one)
    advance(one, told, 2, 1)
    ready = []
    for now, load in [(100, False), (122, False), (122.5, False), (123, True)]:
        if load:
            listed(one)
        advance(one, told, 1, now)
        ready.append(one.readiness().ready)
        assert one.scrape(ALL_OF_IT) is not None

    assert ready == [True, True, False, True]


def test_a_pod_that_is_not_to_be_counted_on_is_not_ready() -> None:
    """Nor does it stop serving what it knows: a PodMonitor scrapes it all the same."""
    told = joined(1)
    one = exporter(told, "pods")
    listed(one)
    advance(one, told, 1, 1)
    assert one.readiness().ready

    told.become(replace(told.state(), unready="the pods cannot be watched"))

    assert (one.readiness().ready, one.readiness().problems) == (False, ["the pods cannot be watched"])
    assert one.scrape(ALL_OF_IT) is not None


@pytest.fixture
def leaver() -> Exporter:
    """A shard of pods that writes timestamps; it has one in each of two slots, of which it gives one away."""
    one = exporter(joined(1), "pods", timestamps=True)
    listed(one)
    pods = one._collectors.exported["pods"]
    for key, slot in (("a", MMH3.mask(0, 2).index(1)), ("b", MMH3.mask(1, 2).index(1))):
        pods.store.put(key, slot, [f"{key} 1\n"] + [""] * (len(pods._compiled.live) - 1))
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
    half, other = MMH3.mask(0, 2), MMH3.mask(1, 2)
    told(one).become(State(phase=Phase.RELEASING, total=2, shard=0, own=half, held=ALL, leaving=other, serving=True))


def told(one: Exporter) -> Told:
    """The membership of an exporter, as the test made it."""
    assert isinstance(one._membership, Told)
    return one._membership


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


def test_what_has_timestamps_is_not_ahead_of_time_once_more(leaver: Exporter) -> None:
    """A pod is deleted and told to stop, of which it hears one after the other: nothing new begins with the second."""
    scraper, half = Scraper(), MMH3.mask(0, 2)
    told(leaver).become(State(phase=Phase.DRAINING, total=2, shard=0, own=half, held=half, leaving=half, serving=True))

    first, second = stamps(leaver, scraper), stamps(leaver, scraper, draining=True)

    assert first.keys() == second.keys() == {"a"}
    assert first["a"] > 0 >= second["a"]


def test_what_is_covered_is_not_ahead_of_time(leaver: Exporter) -> None:
    """It has had timestamps ever since it was loaded, so that no staleness marker is to be kept out."""
    scraper, half = Scraper(), MMH3.mask(0, 2)
    told(leaver).become(State(phase=Phase.STABLE, total=2, shard=0, own=half, held=half, serving=True))
    stamps(leaver, scraper)

    other = difference(ALL, half)
    told(leaver).become(replace(told(leaver).state(), phase=Phase.COVERING, held=ALL, covering=other, leaving=other))
    pods = leaver._collectors.exported["pods"]
    pods.store.put("b", other.index(1), ["b 1\n"] + [""] * (len(pods._compiled.live) - 1))

    assert stamps(leaver, scraper)["b"] <= 0


def test_what_ends_before_anybody_scraped_is_said_to_the_first_who_does() -> None:
    """Another shard may have written it with a timestamp, and have let go since."""
    one = exporter(Told(Ownership(MMH3), State()), "pods", timestamps=True)
    told(one).become(joined(1).state())
    listed(one)
    pods = one._collectors.exported["pods"]
    for key in ("a", "b"):
        pods.store.put(key, 1, [f"{key} 1\n"] + [""] * (len(pods._compiled.live) - 1))
    pods.store.drop("a")
    told(one).become(told(one).state())
    scraper = Scraper()

    assert [stamps(one, scraper), stamps(one, scraper)] == [{"a": None, "b": None}, {"b": None}]


def test_a_scrape_from_before_a_decision_was_carried_out_does_not_count(leaver: Exporter) -> None:
    """It had no timestamps yet, whatever the membership thinks of when it decided."""
    scraper = Scraper()
    for _ in range(2):
        stamps(leaver, scraper)
    decided = time.monotonic()
    leaver.scrapers.completed(scraper, decided, "prometheus")
    assert leaver.scraped() == decided

    gives_away(leaver)
    before = leaver.scraped()
    stamps(leaver, scraper)

    assert before == -math.inf
    assert leaver.scraped() > decided


def test_a_collector_that_joins_meanwhile_ends_as_all_others() -> None:
    """What leaves is not put into its store after what came later."""
    seen: list[bytes | None] = []

    class Store:
        """Has the masks changed by another thread while it hears of the first."""

        def leave(self, mask: bytes | None, shared: bytes | None) -> None:
            del shared
            if not threads:
                threads.append(threading.Thread(target=handover.drain))
                threads[0].start()
                threads[0].join(0.1)
            seen.append(mask)

    threads: list[threading.Thread] = []
    made = SimpleNamespace(store=Store(), flush=lambda: None, informers=[])
    clock = connect("http://127.0.0.1:1").clock
    handover = Handover(lambda: [made], Ownership(MMH3, ALL), clock, 45.0, on=True)  # type: ignore[list-item]
    handover.join(made)  # type: ignore[arg-type]
    threads[0].join()

    assert seen == [None, ALL]


def test_timestamps_are_written_only_where_asked_for(alone: Exporter) -> None:
    """Without the option not even a process that is told to stop writes any."""
    listed(alone)
    pods = alone._collectors.exported["pods"]
    pods.store.put("a", 1, ["a 1\n"] + [""] * (len(pods._compiled.live) - 1))

    assert stamps(alone, Scraper(), draining=True) == {"a": None}


def test_who_waits_for_a_scrape_is_told_of_it(leaver: Exporter) -> None:
    """Only while something is about to go; when the last of all began is known."""
    scraper, before = Scraper(), told(leaver).noticed
    stamps(leaver, scraper)
    assert told(leaver).noticed == before

    gives_away(leaver)
    before = told(leaver).noticed
    stamps(leaver, scraper)

    assert (told(leaver).noticed, leaver.scraped()) == (before + 1, scraper.began)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API server with 300 pods."""
    with Simulator([pod(f"p{number}", "Running", 0) for number in range(300)]) as made:
        yield made


def test_collectors_are_replaced_under_scrapes(simulator: Simulator) -> None:
    """Every scrape has the old series or the new ones, whole; a collector that stays is not touched, one that goes ends."""
    ownership = Ownership(MMH3, ALL)
    one = made(connect(simulator.url), ownership, terms(ownership, "pods", "nodes"), StaticMembership(MMH3, 0, 1))
    first = list(one._collectors.exported.values())
    one.start()
    eventually(lambda: one.readiness().ready, "not ready")
    stop, scrapes = threading.Event(), list[list[str]]()

    def scrape() -> None:
        while not stop.is_set():
            bodies = one.scrape(ALL_OF_IT)
            assert bodies is not None
            text = b"".join(text_pieces(bodies)).decode()
            scrapes.append([line for line in text.splitlines() if line.startswith("kube_pod_info{")])

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        lists = first[1].stats.relists.total()
        for number in range(5):
            one.obey(terms(ownership, "pods", "nodes", metric_labels_allowlist=f"pods=[{number}]"))
            eventually(lambda: not one._collectors.loading, "not swapped in")
        one.obey(terms(ownership, "namespaces", "pods", metric_labels_allowlist="pods=[4]"))
        eventually(lambda: one._collectors.exported["namespaces"].shown, "not shown")
    finally:
        stop.set()
        scraper.join()
        one.close()

    assert {300} == {len(lines) for lines in scrapes}
    assert ["namespaces", "pods"] == list(one._collectors.exported)
    assert lists == first[1].stats.relists.total()
    assert all(not thread.is_alive() for made in first for thread in made.threads())


def test_a_right_that_was_taken_is_told_and_leaves_the_pod_ready(
    alone: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    """What was listed once and is forbidden for 90 s is named, by metric, report and log; not what never could be read."""
    now = 1000.0
    for made in alone._collectors.exported.values():
        made._clock = lambda: now
    observers = [informer._observer for informer in informers(alone)]
    for observer in observers:
        observer._clock = lambda: now
    listed(alone, 0, 1)
    told = {}
    for moment, result in [
        (1000, "forbidden"),
        (1050, "unavailable"),
        (1089, "forbidden"),
        (1090, "forbidden"),
        (1091, "ok"),
    ]:
        now = float(moment)
        for observer in observers:  # of pods in a namespace each, and of nodes, which were never listed
            observer.on_watch(result)
            observer.on_state(ReflectorState.FORBIDDEN if result == "forbidden" else ReflectorState.WAITING)
        told[moment] = [*alone.status().setup.values()]

    line = told[1090][0]
    assert line.startswith("pods could be read, and are forbidden now")
    assert told == {1000: [], 1050: [], 1089: [], 1090: [line], 1091: []}
    assert [one.getMessage() for one in caplog.records if "set-up" in one.getMessage()] == [f"set-up: rights: {line}"]


def test_what_the_membership_finds_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """In the status and the report at once, and in the log once per change; readiness is not touched."""
    membership = Told(Ownership(MMH3), MEMBER.advance(State(), StatefulSet("ksm", 2), PODS, NONE, 0))
    one = exporter(membership, "pods")
    listed(one)
    caplog.set_level("INFO")
    for found in ({}, {SetupCheck.GRACE_PERIOD: "too short"}, {SetupCheck.GRACE_PERIOD: "too short"}, {}):
        membership.found = found
        membership.become(membership.state())
        report = Report.from_json(one.report().encode())
        assert (one.status().setup, report.setup, one.readiness().ready) == (found, found, True)

    messages = [record.getMessage() for record in caplog.records if "set-up" in record.getMessage()]
    assert messages == ["set-up: grace_period: too short", "set-up: grace_period: all is well again"]


def reloads(one: Exporter, *names: str, **more: str) -> dict[str, Collector]:
    """Have other terms obeyed; return the collectors that load to replace others."""
    one.obey(terms(one._ownership, *names, **more))
    return {name: each.collector for name, each in one._collectors.loading.items()}


def lists(one: Exporter, made: Collector, version: str = "1") -> None:
    """Complete a list of a collector, of no objects, and have it noticed."""
    for informer in made.informers:
        informer.sink.start_list()
        informer.sink.end_list(version)
        informer.reflector.resource_version = version
    made._news = one.notice
    made._tell()


def test_before_everything_is_loaded_nothing_is_replaced(alone: Exporter) -> None:
    """Nobody is served yet: the former collectors end at once, and what is not wanted any more is not waited for."""
    listed(alone, 0)
    former = alone._collectors.exported["pods"]

    assert {} == reloads(alone, "pods", "leases")

    assert alone._collectors.exported["pods"] is not former
    assert all(informer.reflector._stop.is_set() for informer in former.informers)
    assert [f"{name}: starting" for name in ("pods", "leases")] == alone.readiness().problems
    listed(alone)
    assert alone.readiness().ready


def test_a_replacement_lists_what_was_gained_meanwhile() -> None:
    """A hand-over comes while one loads: it is not swapped in, nor are slots called loaded, before all that was listed."""
    told = joined(2)
    one = exporter(told, "pods")
    listed(one)
    advance(one, told, 2, 1)
    former = one._collectors.exported["pods"]
    replacement = reloads(one, "pods", namespaces="a")["pods"]
    lists(one, replacement)
    assert one._collectors.exported["pods"] is replacement

    another = reloads(one, "pods", namespaces="b")["pods"]
    another.informers[0].sink.start_list()
    advance(one, told, 1, 2)
    lists(one, replacement)
    assert one.loaded() == ALL
    another.informers[0].sink.end_list("1")
    one.notice()
    assert one._collectors.exported["pods"] is replacement
    assert one.readiness().ready
    lists(one, another)

    assert (one._collectors.exported["pods"], one._collectors.loading, one.loaded()) == (another, {}, ALL)
    assert former.informers[0].reflector._stop.is_set()


def test_slots_are_loaded_once_a_new_resource_has_listed_them() -> None:
    """Other pods let go of what is loaded here: a resource that came with other settings counts from then on."""
    told = joined(2)
    one = exporter(told, "pods")
    listed(one)
    advance(one, told, 2, 1)
    reloads(one, "pods", "nodes")
    advance(one, told, 1, 2)
    lists(one, one._collectors.exported["pods"])
    assert one.loaded() != ALL

    lists(one, one._collectors.exported["nodes"])
    assert one.loaded() == ALL


def test_a_replacement_catches_up(alone: Exporter) -> None:
    """What the former collector saw during the list is not missing after it: an object that was created meanwhile."""
    now = 1000.0
    listed(alone)
    former = alone._collectors.exported["nodes"]
    former.informers[0].reflector.resource_version = "7"
    (replacement,) = (Replacement(each) for each in reloads(alone, "nodes", metric_denylist="kube_node_info").values())
    lists(alone, replacement.collector, "5")
    reached = []
    for seconds, version in ((0.0, "5"), (1.0, "6"), (2.0, "7"), (5.0, "6")):
        replacement.collector.informers[0].reflector.resource_version = version
        former.informers[0].reflector.resource_version = f"{8 + seconds:.0f}" if seconds else "7"
        reached.append(replacement.may_replace(former, now + seconds))

    assert [False, False, True, True] == reached


def test_a_replacement_waits_for_farewells(leaver: Exporter) -> None:
    """Series that end with the former collector alone are said to end: a Prometheus with their timestamps would keep them."""
    gives_away(leaver)
    scraper = Scraper()
    stamps(leaver, scraper)
    stamps(leaver, scraper)
    former = leaver._collectors.exported["pods"]
    former.store.drop("b")
    (replacement,) = reloads(leaver, "pods", metric_denylist="kube_pod_info").values()
    lists(leaver, replacement)
    before = leaver._collectors.exported["pods"]
    told_end = stamps(leaver, scraper)
    leaver.scrapers.completed(scraper, time.monotonic() + 2 * LEAD, "prometheus")
    told(leaver).become(told(leaver).state())
    leaver.notice()

    assert (former, {"a": None, "b": None}) == (before, told_end)
    assert leaver._collectors.exported["pods"] is replacement


def test_a_replacement_is_shown_before_it_is_swapped_in(alone: Exporter) -> None:
    """A scrape that comes between the end of its list and the news of that has the former one."""
    listed(alone)
    for informer in informers(alone):
        informer.reflector.resource_version = "opaque"
    (replacement,) = reloads(alone, "pods", "nodes", metric_denylist="kube_node_info", namespaces="a,b").values()
    for informer in replacement.informers:
        informer.sink.listed_version = 1
    alone.scrape(ALL_OF_IT)
    assert ["nodes", "pods"] == shown(alone)

    lists(alone, replacement, "opaque")
    assert alone._collectors.exported["nodes"] is replacement


def test_a_resource_that_is_loaded_with_other_settings_is_loading(alone: Exporter) -> None:
    """What it is to show in place of another version of a custom resource is not there before."""
    listed(alone)
    before = alone.loading("nodes")
    (replacement,) = reloads(alone, "pods", "nodes", metric_denylist="kube_node_info", namespaces="a,b").values()
    meanwhile = alone.loading("nodes")
    lists(alone, replacement)

    assert [False, True, False] == [before, meanwhile, alone.loading("nodes")]


def test_threads_that_have_yet_to_start_are_no_dead_ones(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that comes while collectors are being made waits until they have their threads."""
    ownership = Ownership(MMH3, ALL)
    one = made(connect(simulator.url), ownership, terms(ownership, "nodes"), StaticMembership(MMH3, 0, 1))
    one.start()
    entered, probed, found = threading.Event(), threading.Event(), list[list[str]]()

    def probe() -> None:
        entered.wait(60)
        probed.set()
        found.append(one.liveness())

    prober = threading.Thread(target=probe)
    prober.start()
    join = one._handover.join

    def joins(collector: Collector) -> None:
        entered.set()
        probed.wait(60)
        prober.join(0.05)  # as long as a scrape keeps others from the hand-over
        join(collector)

    monkeypatch.setattr(one._handover, "join", joins)
    try:
        one.obey(terms(ownership, "nodes", "pods"))
        prober.join()
    finally:
        one.close()

    assert [[]] == found


def test_a_resource_that_may_not_be_read_with_other_settings(alone: Exporter) -> None:
    """It is reported, and not shown as it was before: a process that began so would not have it."""
    listed(alone)
    (replacement,) = reloads(alone, "pods", "nodes", namespaces="c").values()
    assert "pods: is being loaded with other settings" in alone.readiness().notes
    reflector = replacement.informers[0].reflector
    reflector.state, reflector.refusals = ReflectorState.FORBIDDEN, 1
    alone.notice()
    assert alone._collectors.exported["pods"] is not replacement

    reflector.refusals = 2
    alone.notice()

    assert (alone._collectors.exported["pods"], shown(alone)) == (replacement, ["nodes"])
    assert (True, ["pods: forbidden (not waited for)"]) == (alone.readiness().ready, alone.readiness().notes)


def test_pages_of_ended_collectors_count_as_replaced(alone: Exporter) -> None:
    """Slow readers may hold them, and the bound on what they hold goes by bytes that only grow."""
    listed(alone)
    pods = alone._collectors.exported["pods"]
    pods.store.put("a", 1, ["a 1\n"] + [""] * (len(pods._compiled.live) - 1))
    assert b"a 1" in b"".join(text_pieces(alone.scrape(ALL_OF_IT) or []))
    held = pods.store.size().deflated
    before = alone.retired()

    reloads(alone, "nodes")

    assert held > 0
    assert before + held == alone.retired()


def test_bytes_of_replaced_pages_never_fall(alone: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor between the moment a collector is exported no longer and the moment it has ended: a scrape may begin there."""
    listed(alone)
    pods = alone._collectors.exported["pods"]
    for number in range(2):
        pods.store.put("a", 1, [f"a {number}\n"] + [""] * (len(pods._compiled.live) - 1))
        alone.scrape(ALL_OF_IT)
    before, meanwhile, stop = alone.retired(), list[int](), pods.stop

    def stops() -> None:
        meanwhile.append(alone.retired())
        stop()

    monkeypatch.setattr(pods, "stop", stops)
    reloads(alone, "nodes")

    assert before > 0
    assert [before] == meanwhile
    assert alone.retired() > before


def test_terms_that_cannot_be_obeyed_change_nothing() -> None:
    """Those in force stay so, also for the next change of custom resources."""
    ownership, server = Ownership(MMH3, ALL), connect("http://127.0.0.1:1")

    def make(recipe: Recipe) -> Collector:
        if recipe.name == "nodes":
            raise RuntimeError("no such luck")
        return collector(recipe, ownership, server, Allowance())

    one = Exporter(make, terms(ownership, "pods"), ownership, StaticMembership(MMH3, 0, 1), server, version="1")
    with pytest.raises(RuntimeError, match="no such luck"):
        one.obey(replace(terms(ownership, "nodes"), drain=5.0))

    one.follow(())

    assert (["pods"], 0.0) == (list(one._collectors.exported), one.drain_period())


def test_periods_come_into_force(alone: Exporter) -> None:
    """With the scrapers, the hand-over, and the web room, whatever else the terms ask for."""
    alone.obey(Terms(period=90.0, drain=120.0, object_limit=5))

    assert (180.0, 90.0, 120.0) == (alone.scrapers.period, alone._handover.period, alone.drain_period())
    assert (5, "") == (alone.status().object_limit, Report.from_json(alone.report().encode()).settings)
    assert 0.0 <= (Report.from_json(alone.report().encode()).reloaded or -1) < 60.0


def test_a_file_of_custom_resources_that_changes_is_a_reload(alone: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another file of --config is: shards read both one after another. One of the start is none."""

    def reloaded(read: float) -> float | None:
        file = DeclaredStatus("crs.yaml", 1, read, 1)
        custom = SimpleNamespace(status=lambda: CustomStatus(file, (), 0, {}), awaited=list, notes=list)
        monkeypatch.setattr(alone, "_custom", custom)
        return Report.from_json(alone.report().encode()).reloaded

    listed(alone)
    started = alone._started_at

    assert (None, None) == (reloaded(0.0), reloaded(started - 1))
    assert -60.0 < (reloaded(started + 0.001) or -math.inf) < 60.0
    alone.obey(alone._terms)
    assert 0.0 <= (reloaded(started - 1) or -1) < 60.0
