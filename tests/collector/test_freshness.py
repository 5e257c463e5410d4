"""An event is shown by whoever asks for it, though its reader would leave it in the socket for an hour."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ksm_shard.cluster.client import connect
from ksm_shard.cluster.reader import Reader
from ksm_shard.collector.ahead import RenderAhead
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.freshness import catch_up
from ksm_shard.collector.targets import Scope, targets
from ksm_shard.kinds import resources
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import static
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.web.scrapers import Scrapers
from tests.processes import eventually


def lease(name: str) -> dict[str, Any]:
    """Return a lease."""
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": "n", "name": name}}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API server with a lease."""
    with Simulator([lease("first")]) as made:
        yield made


@pytest.fixture
def leases(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that has begun to watch, with pauses of an hour."""
    monkeypatch.setattr("ksm_shard.collector.informer.LONG", 3600.0)
    ownership = Ownership(MMH3, static(MMH3, 0, 1).held)
    resource = resources()["leases"]
    collector = Collector(resource, resource.families, ownership, time.monotonic)
    (target,) = targets(resource, Scope())
    informer = collector.follow(target, Reader(connect(simulator.url), target))
    collector.start(lambda: None)
    eventually(lambda: informer.reflector.state == "watching", "the watch does not begin")
    yield collector
    collector.stop()
    informer.thread.join(10)
    assert not informer.thread.is_alive()


def test_the_next_scrape_has_an_event(simulator: Simulator, leases: Collector) -> None:
    """Readers that pause are waked, as often as somebody asks."""
    for count, name in enumerate(("second", "third", "fourth"), 2):
        simulator.put(lease(name))

        def caught_up(count: int = count) -> bool:
            catch_up([leases])
            return leases.objects == count

        eventually(caught_up, f"{name} is not read")


def test_a_regular_scrape_finds_it_read(simulator: Simulator, leases: Collector) -> None:
    """What renders ahead of a scrape reads ahead of it too, and neither long before."""
    scrapers = Scrapers(60.0)
    scraper = scrapers.find("Prometheus")
    for began in (0.0, 30.0):
        scrapers.completed(scraper, began, "Prometheus")
    ahead = RenderAhead(lambda: [leases], scrapers)

    simulator.put(lease("second"))
    eventually(lambda: leases.objects == 2, "the first read of a watch waits")
    simulator.put(lease("third"))
    ahead.step(58.9)
    assert leases.objects == 2

    def stepped() -> bool:
        ahead.step(59.1)
        return leases.objects == 3

    eventually(stepped, "nothing is read")


def test_a_list_of_gained_slots_does_not_wait(simulator: Simulator, leases: Collector) -> None:
    """A pause ends when its watch is interrupted."""
    simulator.put(lease("second"))
    leases.gain()
    eventually(lambda: leases.objects == 2, "nothing is listed")
