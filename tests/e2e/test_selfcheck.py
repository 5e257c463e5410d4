"""What pods of a fleet tell of their own set-up. All that they may find is in tests/membership/test_selfcheck.py."""

import copy
import json

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.statefulset import LABELS, NAME, SPEC, settled
from tests.e2e.test_fleet_commands import run
from tests.processes import eventually

OTHER = f"the selector of StatefulSet {NAME} also selects other-0 of StatefulSet other"


def test_a_pod_tells_everywhere_what_is_wrong_with_it() -> None:
    """A probe that somebody brought, and a second fleet that comes and goes: metric, /shard, page, log and `check`."""
    brought = copy.deepcopy(SPEC)
    brought["containers"][0]["readinessProbe"]["httpGet"]["path"] = "/healthz"
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "other", "uid": "u", "controller": True}
    metadata = {"namespace": "monitoring", "name": "other-0", "labels": LABELS, "ownerReferences": [owner]}
    with Simulator() as simulator, settled(simulator, 1, pods=10) as fleet:
        fleet.spec = brought
        fleet.scale(2)
        fleet.settled()
        (_, good), (_, bad) = fleet.running()
        told = [json.loads(one.scrape("/shard"))["setup"] for one in (good, bad)]
        page = bad.scrape("/")
        metrics = bad.scrape_telemetry()
        alone = run("check", good.url, bad.url)

        simulator.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": SPEC})
        eventually(lambda: 'setup_problem{check="shared_selector"} 1.0' in good.scrape_telemetry(), "nobody sees it")
        eventually(
            lambda: 'setup_problem{check="shared_selector"} 1.0' in bad.scrape_telemetry(), "one does not see it"
        )
        both = run("check", good.url, bad.url)
        simulator.delete("pods", "other-0", "monitoring")
        eventually(lambda: any("shared_selector: all is well again" in line for line in good.log), "it stays")
        log = [line for line in good.log if "set-up: " in line]
        after = good.scrape_telemetry()

    line = told[1].get("readiness_probe", "")
    assert told == [{}, {"readiness_probe": line}]
    assert line.startswith("the readinessProbe asks /healthz")
    assert f"<li>{line}</li>" in page
    assert 'ksm_shard_setup_problem{check="readiness_probe"} 1.0' in metrics
    assert [alone[0], both[0]] == [1, 1]
    assert alone[1].count("wrong: ") == 1
    assert f"wrong: shard 1 ({NAME}-1): {line}" in alone[1]
    assert f"wrong: 2 of 2 shards: {OTHER}" in both[1]
    assert any(f"set-up: readiness_probe: {line}" in one for one in bad.log)
    assert len(log) == 2
    assert OTHER in log[0]
    assert 'setup_problem{check="shared_selector"} 0.0' in after
