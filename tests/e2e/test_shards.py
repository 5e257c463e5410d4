"""The shards of a static fleet, of any number, add up to exactly what one process exports."""

import uuid
from collections.abc import Iterator
from random import Random

import pytest

from ksm_shard.sharding.murmur import MMH3
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_storm import node, pod
from tests.processes import Exporter, fleet

PODS = 300


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """An API server with some objects."""
    pods = [pod(f"p{number}", "Running", number % 3) for number in range(PODS)]
    nodes = [node(f"node-{number}", unschedulable=False) for number in range(30)]
    with Simulator([*pods, *nodes]) as made:
        yield made


@pytest.fixture(scope="module")
def whole(simulator: Simulator) -> list[str]:
    """The samples of an exporter that is alone."""
    with Exporter(f"--apiserver={simulator.url}", "--resources=pods") as one:
        return samples(one.ready())


def samples(exporter: Exporter) -> list[str]:
    """Return the samples of a scrape."""
    return [line for line in exporter.scrape().splitlines() if not line.startswith("#")]


def told(exporter: Exporter, name: str) -> dict[str, float]:
    """Return a metric about the exporter by its resource."""
    lines = [line for line in exporter.scrape_telemetry().splitlines() if line.startswith(f"{name}{{")]
    return {line.split('resource="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}


@pytest.mark.parametrize("shards", [2, 3, 10, pytest.param(50, marks=pytest.mark.slow)])
def test_all_shards_add_up_to_the_unsharded_scrape(simulator: Simulator, whole: list[str], shards: int) -> None:
    """Each sample stands in exactly one scrape, and what is owned adds up to what every shard has seen."""
    with fleet(shards, f"--apiserver={simulator.url}", "--resources=pods") as exporters:
        together = [line for one in exporters for line in samples(one)]
        seen = [told(one, "ksm_shard_objects_seen") for one in exporters]
        owned = [told(one, "ksm_shard_objects_owned") for one in exporters]

    assert sorted(whole) == sorted(together)
    assert all(one == {"pods": PODS} for one in seen)
    assert seen[0] == {name: sum(one[name] for one in owned) for name in seen[0]}


def test_no_shard_of_ten_has_much_more_than_its_share_of_20000_pods() -> None:
    """Uids are random, so shares differ a little more than slots: at most 1.15 times the fair share."""
    chance = Random(3)
    owners = MMH3.target_map(10)
    counts = [0] * 10
    for _ in range(20_000):
        counts[owners[MMH3.slot_of(str(uuid.UUID(int=chance.getrandbits(128), version=4)))]] += 1

    assert max(counts) <= 1.15 * 20_000 / 10
