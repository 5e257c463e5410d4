"""Which objects a process exports under each of its flags, and which resources it follows at all, on the simulator."""

import time
from collections.abc import Iterator

import pytest

from ksm_shard.cluster.coalescing import LONG
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_shards import told
from tests.e2e.test_storm import node, pod
from tests.processes import Exporter

PODS = {"a/placed": "node-1", "a/waiting": "", "b/placed": "node-2", "c/placed": "node-1"}
NODES = {"node-1", "node-2"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """An API server with pods of three namespaces on two nodes, and one on none."""
    with Simulator(node(name, unschedulable=False) for name in sorted(NODES)) as made:
        for key, place in PODS.items():
            namespace, name = key.split("/")
            one = pod(name, "Running", 0)
            one["metadata"]["namespace"], one["spec"]["nodeName"] = namespace, place
            made.put(one)
        yield made


def values(text: str, family: str, *labels: str) -> set[str]:
    """Return the values of these labels in the samples of a family, joined by slashes."""
    lines = [line for line in text.splitlines() if line.startswith(f"{family}{{")]
    return {"/".join(line.split(f'{label}="')[1].split('"')[0] for label in labels) for line in lines}


def test_a_scrape_has_what_came_before_it() -> None:
    """Events stay in the socket for seconds, but not when somebody scrapes."""
    with (
        Simulator([pod("first", "Running", 0)]) as simulator,
        Exporter(f"--apiserver={simulator.url}", "--resources=pods") as one,
    ):
        one.ready()
        began, rounds = time.monotonic(), 5
        for number in range(rounds):
            simulator.put(pod(f"pod-{number}", "Running", 0))
            while f"pod-{number}" not in values(one.scrape(), "kube_pod_info", "pod"):
                assert time.monotonic() - began < rounds * LONG / 2


@pytest.mark.parametrize(
    ("flags", "pods"),
    [
        ([], set(PODS)),
        (["--namespaces=a,b"], {"a/placed", "a/waiting", "b/placed"}),
        (["--namespaces-denylist=a"], {"b/placed", "c/placed"}),
        (["--namespaces=a,b", "--namespaces-denylist=a"], {"b/placed"}),
        (["--node=node-1"], {"a/placed", "c/placed"}),
        (["--node=node-1,node-2"], set(PODS) - {"a/waiting"}),
        (["--track-unscheduled-pods"], {"a/waiting"}),
        (["--track-unscheduled-pods", "--node=node-1", "--namespaces=a,c"], {"a/waiting"}),
        (["--use-apiserver-cache"], set(PODS)),
        (["--use-apiserver-cache", "--namespaces=c"], {"c/placed"}),
    ],
    ids=lambda words: " ".join(sorted(words)),  # sets have another order in each worker, which have to agree
)
def test_a_process_exports_the_objects_that_its_flags_name(
    simulator: Simulator, flags: list[str], pods: set[str]
) -> None:
    """Those and no others; what it says to have seen and to own is as many."""
    with Exporter(f"--apiserver={simulator.url}", "--resources=pods", *flags) as one:
        text = one.ready().scrape()

        assert pods == values(text, "kube_pod_info", "namespace", "pod")
        assert {"pods": len(pods)} == told(one, "ksm_shard_objects_seen") == told(one, "ksm_shard_objects_owned")


def test_namespaces_do_not_divide_what_has_none(simulator: Simulator) -> None:
    """Nodes are exported whole and once, whatever namespaces are named."""
    flags = ["--resources=pods,nodes", "--namespaces=a,c", "--namespaces-denylist=c"]
    with Exporter(f"--apiserver={simulator.url}", *flags) as one:
        text = one.ready().scrape()

    assert NODES == values(text, "kube_node_info", "node")
    assert {"a/placed", "a/waiting"} == values(text, "kube_pod_info", "namespace", "pod")
    assert len(NODES) == text.count("kube_node_info{")


def test_an_object_limit_ends_every_list(simulator: Simulator) -> None:
    """One object of each resource is exported, and the limit stands among the exporter's own metrics."""
    with Exporter(f"--apiserver={simulator.url}", "--resources=pods,nodes", "--object-limit=1") as one:
        text = one.ready().scrape()
        own = one.scrape_telemetry()

    assert [1, 1] == [
        len(values(text, "kube_pod_info", "namespace", "pod")),
        len(values(text, "kube_node_info", "node")),
    ]
    assert 'kube_state_metrics_list_objects_limit{resource="*v1.Pod"} 1.0' in own
    assert 'kube_state_metrics_list_objects{resource="*v1.Pod"} 1.0' in own


def test_a_resource_whose_families_are_all_off_is_not_followed(simulator: Simulator) -> None:
    """Refused or not, it holds up nothing, is in no metric, and a scrape that names it is refused; one line of log tells."""
    simulator.faults.add("500", "nodes", seconds=60)
    try:
        flags = ["--resources=nodes,pods", "--metric-allowlist=kube_pod_info"]
        with Exporter(f"--apiserver={simulator.url}", *flags) as one:
            text = one.ready().scrape()

            assert set(PODS) == values(text, "kube_pod_info", "namespace", "pod")
            assert {"pods"} == {*told(one, "ksm_shard_state"), *told(one, "ksm_shard_synced")}
            assert "*v1.Node" not in one.scrape_telemetry()
            assert (400, 200) == (one.status("/metrics?resources=nodes"), one.status("/metrics?resources=pods"))
            lines = [line for line in one.log if "no family of theirs is on: nodes" in line]
            assert 1 == len(lines), one.log
    finally:
        simulator.faults.clear()


def test_a_process_with_nothing_to_export_says_so(simulator: Simulator) -> None:
    """It is ready and empty, as kube-state-metrics is, and one line of log is a warning."""
    with Exporter(f"--apiserver={simulator.url}", "--metric-denylist=.*") as one:
        text = one.ready().scrape()

        assert "" == text
        assert (200, 200) == (one.status("/"), one.status("/shard"))
        assert {} == told(one, "ksm_shard_state")
        assert 1 == len([line for line in one.log if "WARNING" in line and "nothing is exported" in line]), one.log
