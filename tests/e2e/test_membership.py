"""What a fleet says that has lost its StatefulSet. That nothing is lost meanwhile is in tests/sharding."""

import json
import socket

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.statefulset import LABELS, NAME, settled
from tests.e2e.test_fleet_commands import run
from tests.processes import eventually


def test_a_vanished_statefulset_is_told_everywhere() -> None:
    """A metric, a field of /shard, the status page, and a line of `check`, of each shard; all is well when it is back."""
    with Simulator() as simulator, settled(simulator, 2, pods=10) as fleet:
        one, other = (one for _, one in fleet.running())
        well = run("check", one.url, other.url)
        owner = simulator.get("statefulsets", NAME, "monitoring")
        assert owner is not None

        simulator.delete("statefulsets", NAME, "monitoring")
        eventually(lambda: "\nksm_shard_membership_problem 1.0" in one.scrape_telemetry(), "the metric does not say so")
        problem = json.loads(one.scrape("/shard"))["problem"]
        page = one.scrape("/")
        ill = run("check", one.url, other.url)
        simulator.put(owner)
        eventually(lambda: "\nksm_shard_membership_problem 0.0" in one.scrape_telemetry(), "the metric stays")

    assert well[0] == 0, well[1]
    assert ill[0] == 1
    assert problem
    assert problem in page
    assert f"wrong: shard 0 ({NAME}-0): {problem}" in ill[1]
    assert f"wrong: shard 1 ({NAME}-1): {problem}" in ill[1]


@pytest.mark.parametrize("address", ["10.0.0.7", "fd00::7"])
def test_the_status_page_leads_to_the_other_shards(address: str) -> None:
    """A pod that has an address is a link, on the port that all of them have; one that is only to be is none."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Simulator() as simulator, settled(simulator, 1, f"--port={port}") as fleet:
        fleet.resize(3)
        ((_, one),) = fleet.running()
        labels = {"namespace": "monitoring", "name": f"{NAME}-1", "labels": LABELS}
        simulator.put({"apiVersion": "v1", "kind": "Pod", "metadata": labels, "status": {"podIP": address}})
        host = f"[{address}]" if ":" in address else address
        link = f'<a href="//{host}:{port}/">{NAME}-1</a>'
        eventually(lambda: link in one.scrape("/"), "there is no link")
        page = one.scrape("/")

    assert f'<span class="mono">{NAME}-2</span>' in page
