"""`/owner` of real shards, by name: what one knows, what it asks the API server, and what it says if that does not answer."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from ksm_shard.sharding.murmur import MMH3
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.statefulset import settled
from tests.e2e.test_storm import pod
from tests.processes import Exporter, eventually, fleet


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """An API server with some pods."""
    with Simulator([pod(f"p{number}", "Running", 0) for number in range(20)]) as made:
        yield made


@pytest.fixture(scope="module")
def shards(simulator: Simulator) -> Iterator[list[Exporter]]:
    """Two shards of it."""
    with fleet(2, f"--apiserver={simulator.url}", "--resources=pods,nodes") as exporters:
        yield exporters


def ask(shard: Exporter, query: str) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    try:
        return 200, shard.scrape(f"/owner?{query}")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_every_shard_tells_whose_a_pod_is_by_its_name(simulator: Simulator, shards: list[Exporter]) -> None:
    """Its shard has it in memory, the other asks for its uid; both say the same, and one of them that it has it."""
    for number in range(20):
        uid = (simulator.get("pods", f"p{number}", "n") or {})["metadata"]["uid"]
        answers = [json.loads(ask(one, f"resource=pods&namespace=n&name=p{number}")[1]) for one in shards]
        owner = MMH3.target_map(2)[MMH3.slot_of(uid)]

        assert [owner, owner] == [answer["shard"] for answer in answers]
        assert [owner == 0, owner == 1] == [answer["held"] for answer in answers]
        assert answers[1 - owner]["uid"] == uid


@pytest.mark.parametrize(
    "query", ["namespace=n&name=nope", "namespace=m&name=p1", "name=p1", "namespace=n/../m&name=p1"]
)
def test_what_there_is_not(shards: list[Exporter], query: str) -> None:
    """No such name, another namespace, none at all."""
    for one in shards:
        assert (404, "there is no such object: are resource=, namespace= and name= right?\n") == ask(
            one, f"resource=pods&{query}"
        )


@pytest.mark.parametrize(("fault", "status"), [("403", 502), ("500", 503), ("503", 503), ("slow", 503)])
def test_an_api_server_that_does_not_tell(
    simulator: Simulator, shards: list[Exporter], fault: str, status: int
) -> None:
    """Is no reason to call an object missing, nor to wait for long: a line says what it answered."""
    simulator.faults.add(fault, "pods", seconds=60, rate=1)
    began = time.monotonic()
    found = ask(shards[0], "resource=pods&namespace=n&name=nope")
    took = time.monotonic() - began
    simulator.faults.clear()

    assert found[0] == status
    assert found[1].startswith("not served here, and not found out: /api/v1/namespaces/n/pods: ")
    assert took < 10


def test_a_fleet_without_shards() -> None:
    """With spec.replicas of 0 nobody owns anything, which is an answer."""
    with Simulator() as simulator, settled(simulator, 1) as fleet:
        ((_, one),) = fleet.running()
        fleet.resize(0)
        eventually(lambda: "kube_state_metrics_total_shards 0.0" in one.scrape_telemetry(), "it has not heard of it")

        assert (503, "there is no shard: spec.replicas of the StatefulSet is 0\n") == ask(one, "uid=abc")
        assert one.status("/") == 200
