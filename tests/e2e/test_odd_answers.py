"""Answers that make no sense cost what they are about, and no more: objects that are none, tokens that never last."""

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_storm import counted, pod
from tests.processes import Exporter, eventually


@pytest.mark.parametrize("resource", ["pods", "secrets"])
def test_an_object_that_cannot_be_read(resource: str) -> None:
    """The watch goes on without it, whether it is protobuf or a table; when the watch ends a list drops what is stale."""

    def put(name: str, version: str) -> None:
        one = pod(name, version, 0)
        simulator.put(one if resource == "pods" else one | {"kind": "Secret", "type": version})

    simulator = Simulator()
    put("odd", "Pending")
    with simulator, Exporter(f"--apiserver={simulator.url}", f"--resources={resource}") as one:
        one.ready()
        simulator.faults.add("unreadable", resource)
        put("odd", "Running")
        put("next", "Running")
        eventually(lambda: '"next"' in one.scrape(), "the watch did not go on", lambda: "\n".join(one.log))
        own = one.scrape_telemetry()
        assert counted(own, f'ksm_shard_wire_errors_total{{resource="{resource}"}}') == 1
        assert counted(own, "ksm_shard_watch_errors_total") == 0

        simulator.faults.add("unreadable", resource)
        simulator.delete(resource, "odd", "n")
        eventually(lambda: counted(one.scrape_telemetry(), "ksm_shard_wire_errors_total") == 2, "it is not counted")
        assert '"odd"' in one.scrape()

        simulator.faults.add("drop", resource)
        eventually(lambda: '"odd"' not in one.scrape(), "it is stale for ever", lambda: "\n".join(one.log))
        assert 'ksm_shard_relists_total{reason="unreadable"' in one.scrape_telemetry()


def test_tokens_that_never_last() -> None:
    """An API server whose continue tokens have expired on every second page is listed without pages in the end."""
    simulator = Simulator([pod(f"p{number}", "Running", 0) for number in range(1001)])
    simulator.faults.add("expire", "pods", seconds=600)
    # An object limit needs pages.
    with simulator, Exporter(f"--apiserver={simulator.url}", "--resources=pods", "--object-limit=5000") as one:
        text = one.ready().scrape()

        assert 1001 == text.count("\nkube_pod_info{")
        assert counted(one.scrape_telemetry(), 'ksm_shard_relists_total{reason="gone",resource="pods"}') == 2
