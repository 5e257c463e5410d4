"""Made-up clusters: the same for the same seed, of the size of real ones, and still valid after any change."""

import json
from collections import Counter
from typing import Any

from ksm_shard import kinds
from ksm_shard.simulator import Simulator
from ksm_shard.simulator.churn import Churn
from ksm_shard.simulator.protobuf import encode, message_name
from ksm_shard.simulator.resources import USERS
from ksm_shard.simulator.synthetic import cluster

POD = "k8s.io.api.core.v1.Pod"


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are pods."""
    return [each for each in objects if each["kind"] == "Pod"]


def test_same_seed_same_cluster() -> None:
    """Seed and numbers say it all; another seed is another cluster."""
    made = list(cluster(60, 4, 7))

    assert made == list(cluster(60, 4, 7))
    assert made != list(cluster(60, 4, 8))


def test_as_many_as_were_asked_for() -> None:
    """Pods and nodes are counted exactly; names and uids are all different."""
    made = list(cluster(130, 9, 1))
    kinds = Counter(each["kind"] for each in made)

    assert (130, 9) == (kinds["Pod"], kinds["Node"])
    assert len({each["metadata"]["uid"] for each in made}) == len(made)
    assert len({(e["kind"], e["metadata"].get("namespace"), e["metadata"]["name"]) for e in made}) == len(made)


def test_there_is_something_of_every_kind() -> None:
    """Whatever is exported by default is there to look at, and can be sent as the API server sends it."""
    wanted = {(one.api_version, one.kind) for one in kinds.resources().values() if one.default}
    made = list(cluster(60, 4, 1))

    assert set() == wanted - {(each["apiVersion"], each["kind"]) for each in made}
    for each in made:
        group, _, version = each["apiVersion"].rpartition("/")
        if message := message_name(group, version, each["kind"]):
            encode(message, {name: value for name, value in each.items() if name not in {"kind", "apiVersion"}})


def test_without_pods_there_is_nothing_but_nodes() -> None:
    """Who brings objects of their own has those, and no namespaces that nobody asked for."""
    assert [] == list(cluster(0, 0, 1))
    assert ["Node"] * 2 == [each["kind"] for each in cluster(0, 2, 1)]


def test_pods_are_as_large_as_real_ones() -> None:
    """6.5 to 8.5 kB of JSON, managed fields included: what is measured with them holds for real clusters."""
    sizes = [len(json.dumps(pod, separators=(",", ":"))) for pod in pods(list(cluster(200, 10, 3)))]

    assert min(sizes) >= 6500
    assert max(sizes) <= 8500


def test_churn_keeps_pods_valid() -> None:
    """After 500 changes every pod still encodes, its conditions agree with its containers, and about as many are there."""
    simulator = Simulator(cluster(50, 3, 5), serve=[USERS])
    churn = Churn(simulator, 5)
    for _ in range(500):
        churn.step()
    after = simulator.list("pods")

    assert 40 <= len(after) <= 60
    assert len({pod["metadata"]["uid"] for pod in after}) == len(after)
    for pod in after:
        encode(POD, {name: value for name, value in pod.items() if name not in {"kind", "apiVersion"}})
        ready = all(status["ready"] for status in pod["status"]["containerStatuses"])
        conditions = {each["type"]: each["status"] for each in pod["status"]["conditions"]}
        assert conditions["Ready"] == str(ready)


def test_churn_without_pods() -> None:
    """Nothing to change is no mistake."""
    Churn(Simulator(), 1).step()
