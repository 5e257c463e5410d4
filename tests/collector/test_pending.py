"""Objects of a watch wait, and are rendered once. Excludes that nobody can tell (test_histories), and odd objects (test_sink)."""

import threading
from typing import Any

import pytest

from ksm_shard.collector.ahead import EARLY, FEW, IDLE, TICK, RenderAhead
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.pending import Allowance
from ksm_shard.collector.sink import StoreSink
from ksm_shard.kinds.pods import pods
from ksm_shard.sharding.masks import ALL, NONE
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.store.pages import text_pieces
from ksm_shard.web.scrapers import Scrapers
from tests.wire.dicts import Dicts

FAMILIES = [family for family in pods.families if family.name == "kube_pod_status_phase"]


class Counting(Dicts):
    """Counts the objects that are parsed whole."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.enter, self.leave = threading.Event(), threading.Event()
        self.leave.set()

    def parse(self, item: Any, kind: Any) -> Any:
        message = super().parse(item, kind)
        if kind is pods.shape.message:
            self.parsed.append(message.metadata.name)
            self.enter.set()
            self.leave.wait(60)
        return message


class Watched:
    """Pods that were listed, there were none, and are watched now."""

    def __init__(self, most: int = 1 << 20, allowance: Allowance | None = None) -> None:
        self.codec = Counting()
        self.ownership = Ownership(MMH3, ALL)
        self.collector = Collector(pods, FAMILIES, self.ownership, lambda: 0.0, allowance=allowance or Allowance(most))
        self.sink: StoreSink = self.collector.sink()
        self.ownership.on_change(self._changed)
        self.sink.start_list()
        self.sink.end_list("1")

    def _changed(self, gained: bytes, lost: bytes) -> None:
        self.sink.forget(lost)
        self.collector.store.release(lost)

    def event(self, kind: str, name: str, version: int = 2, phase: str = "Running") -> None:
        """Let the watch tell of a pod."""
        take = {"ADDED": self.sink.put, "MODIFIED": self.sink.change, "DELETED": self.sink.drop}[kind]
        metadata = {"namespace": "a", "name": name, "uid": name, "resourceVersion": str(version)}
        take(self.codec, {"metadata": metadata, "status": {"phase": phase}})

    def phases(self) -> dict[str, str]:
        """Return the phase of each pod in a scrape."""
        lines = b"".join(text_pieces(joined(self.collector.exposed(openmetrics=False)))).decode().splitlines()
        shown = [line for line in lines if line.endswith(" 1")]
        return {line.split('pod="')[1].split('"')[0]: line.split('phase="')[1].split('"')[0] for line in shown}


@pytest.fixture
def watched() -> Watched:
    """A watch with room for what waits."""
    return Watched()


def test_six_events_of_a_pod_are_rendered_once(watched: Watched) -> None:
    """Until somebody looks nothing of the pod is parsed but its identity, and then its newest state."""
    watched.event("ADDED", "a", 2, "Pending")
    for version in range(3, 8):
        watched.event("MODIFIED", "a", version, "Pending" if version < 7 else "Running")

    assert [] == watched.codec.parsed
    assert {"a": "Running"} == watched.phases()
    assert ["a"] == watched.codec.parsed


def test_a_pod_that_comes_and_goes_between_two_scrapes_is_never_rendered(watched: Watched) -> None:
    """Its end costs its name."""
    watched.event("ADDED", "a")
    watched.event("DELETED", "a", 3)

    assert ({}, []) == (watched.phases(), watched.codec.parsed)


def test_a_list_is_rendered_as_it_comes(watched: Watched) -> None:
    """What waited before is rendered before it."""
    watched.event("MODIFIED", "a")
    watched.sink.start_list()
    watched.event("ADDED", "b")

    assert ["a", "b"] == watched.codec.parsed


def test_an_object_that_waits_is_counted(watched: Watched) -> None:
    """One that is new, once, whatever happened to it since; not one that the store has."""
    watched.event("ADDED", "a")
    watched.phases()
    watched.event("MODIFIED", "a", 3)
    watched.event("ADDED", "b")
    watched.event("MODIFIED", "b", 3)

    assert (2, 2) == (watched.collector.objects, watched.collector.waiting)


def test_of_too_much_the_object_without_news_for_longest_is_rendered() -> None:
    """An object that goes on to change waits for the scrape."""
    watched = Watched(most=250)  # two pods
    for version, name in enumerate("abac", 2):
        watched.event("MODIFIED", name, version)

    assert ["b"] == watched.codec.parsed


def test_sinks_share_what_may_wait() -> None:
    """Bytes that wait elsewhere leave none, and are given back when they wait no longer."""
    watched = Watched(most=100)
    other = watched.collector.sink()
    other.change(watched.codec, {"metadata": {"name": "x" * 200, "uid": "x"}})
    taken = watched.codec.parsed.copy()
    watched.event("MODIFIED", "a")
    watched.phases()
    watched.event("MODIFIED", "b")

    assert (["x" * 200], ["a"]) == (taken, watched.codec.parsed[1:2])


def test_a_collector_that_ends_leaves_its_share_to_others() -> None:
    """Also what it is told of while its threads end; else a process that is configured anew often would let nothing wait."""
    allowance = Allowance(150)  # one pod
    ended, other = Watched(allowance=allowance), Watched(allowance=allowance)
    ended.event("ADDED", "a")
    ended.collector.stop()
    ended.event("MODIFIED", "a", 3)
    other.event("ADDED", "b")

    assert (0, 1, []) == (ended.collector.waiting, other.collector.waiting, other.codec.parsed)


def test_what_waits_of_a_lost_slot_is_forgotten(watched: Watched) -> None:
    """Its end may come while the slot is another shard's; a list that adds would not tell of it either."""
    watched.event("ADDED", "a")
    watched.ownership.change(NONE)
    watched.event("DELETED", "a", 3)
    watched.ownership.change(ALL)
    watched.sink.start_adding()
    watched.sink.end_adding("4")

    assert {} == watched.phases()


def test_a_pod_that_another_shard_may_have_shown_gets_a_farewell_although_it_waited(watched: Watched) -> None:
    """Its slot became shared after it came and before it went."""
    watched.event("ADDED", "a")
    watched.collector.store.leave(None, ALL)
    watched.event("DELETED", "a", 3)

    assert {"a": "Running"} == watched.phases()
    watched.collector.store.forget_farewells(float("inf"))
    assert {} == watched.phases()


def test_what_waited_before_a_hand_over_is_older_than_what_comes_during_it(watched: Watched) -> None:
    """Nothing waits while series may need a farewell."""
    watched.event("ADDED", "a", 2, "Pending")
    watched.collector.store.leave(None, ALL)
    watched.event("MODIFIED", "a", 3, "Failed")

    assert 0 == watched.collector.waiting
    assert {"a": "Failed"} == watched.phases()


def test_a_flush_waits_for_an_object_that_another_thread_renders(watched: Watched) -> None:
    """The object waits no longer then, and is not in the store yet: a scrape would miss it."""
    watched.codec.leave.clear()
    watched.event("ADDED", "a")
    first = threading.Thread(target=watched.collector.flush)
    first.start()
    assert watched.codec.enter.wait(60)
    second = threading.Thread(target=watched.collector.flush)
    second.start()
    second.join(0.05)
    waited = second.is_alive()
    watched.codec.leave.set()
    first.join()
    second.join()

    assert waited
    assert {"a": "Running"} == watched.phases()


def scraping(*began: float) -> Scrapers:
    """Return a scraper that has begun scrapes at these times."""
    scrapers = Scrapers(90.0)
    one = scrapers.find("prometheus")
    for at in began:
        scrapers.completed(one, at, "prometheus")
    return scrapers


@pytest.mark.parametrize(
    ("scrapers", "now", "rendered", "pause"),
    [
        (scraping(), 0.0, True, IDLE),
        (scraping(0.0), 1.0, True, IDLE),  # once is not regular
        (scraping(0.0, 30.0), 31.0, False, IDLE),
        (scraping(0.0, 30.0), 60.0 - EARLY - 2.0, False, 2.0),
        (scraping(0.0, 30.0), 60.0 - EARLY, True, TICK),
        (scraping(0.0, 30.0), 200.0, True, IDLE),  # it is gone
    ],
)
def test_what_waits_is_rendered_shortly_before_a_scrape_is_expected(
    watched: Watched, scrapers: Scrapers, now: float, rendered: bool, pause: float
) -> None:
    """Where nobody scrapes regularly, every few seconds."""
    for number in range(FEW + 1):
        watched.event("ADDED", f"pod-{number}")

    assert pause == pytest.approx(RenderAhead(lambda: [watched.collector], scrapers).step(now))
    assert rendered == (watched.collector.waiting == 0)


def test_few_objects_are_left_to_the_scrape(watched: Watched) -> None:
    """A pod that starts just then may have more events before the scrape comes."""
    watched.event("ADDED", "a")

    RenderAhead(lambda: [watched.collector], scraping(0.0, 30.0)).step(59.9)

    assert 1 == watched.collector.waiting
